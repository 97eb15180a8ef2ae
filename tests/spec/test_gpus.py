"""GPUs by name, however the name is written."""

from __future__ import annotations

import pytest

from xstilts.errors import InputError
from xstilts.spec.gpus import gpu_name


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (None, "A100-80GB"),
        ("a100", "A100-80GB"),
        ("NVIDIA L40S", "L40S"),
        ("rtx 3090", "RTX-3090"),
        ("H200", "H200"),
    ],
)
def test_gpu_name_is_found_however_it_is_written(asked: str | None, named: str) -> None:
    assert gpu_name(asked) == named


def test_gpu_without_an_entry_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r'"K80".*T4, V100'):
        gpu_name("K80")

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from xstilts import formats
from xstilts.errors import InputError
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs import FORMATS


@pytest.mark.parametrize("name", formats.NAMES)
def test_format_of_every_name_offers_the_contract(name: str) -> None:
    module = formats.get(name)

    spec = FORMATS[name]  # type: ignore[index]
    assert spec.roles and all(isinstance(role, str) for role in spec.roles)
    assert spec.metrics and set(spec.metrics) <= set(METRICS)
    parts = ("encode", "collate", "predict", "decode", "tables", "readings")
    assert all(callable(getattr(module, part)) for part in parts)
    assert issubclass(module.Head, torch.nn.Module)  # type: ignore[arg-type]


def test_get_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r'format is "tagger"; must be one of .*; nearest: tagging'
    ):
        formats.get("tagger")


def test_package_import_loads_no_torch() -> None:
    code = (
        "import sys, xstilts.formats; sys.exit('torch' in sys.modules or 'transformers' in "
        "sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

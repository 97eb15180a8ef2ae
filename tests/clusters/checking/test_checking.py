"""All checks of a cluster file together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters.checking.world import AWS, changed, plan
from xstilts.clusters.checking import checks
from xstilts.errors import InputError


def test_file_is_checked_from_its_rules_to_its_store(tmp_path: Path) -> None:
    file = changed(tmp_path, AWS)
    names = [check.name for check in checks(file.path, plan(), "store", environment={})]
    assert names == [
        "cluster file",
        "filled in",
        "files to copy",
        "token",
        "this shell",
        "programs here",
        "versions",
        "head",
        "idle machines",
        "workers",
        "room for a phase",
        "GPUs",
        "memory of gpu",
        "quota",
        "store",
    ]


@pytest.mark.parametrize("text", ["a: [", "name: sweep\n", "provider: {type: aws}\nnonsense: 1\n"])
def test_file_that_ray_would_not_take_is_an_input_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(InputError, match=r"cluster\.yaml"):
        checks(tmp_path / "cluster.yaml")

"""What a run holds on to: one driver for a sweep, one plan for a name and version."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.driver.session import same_plan


def test_run_same_name_and_version_with_another_plan_shows_the_difference(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    same_plan(folder, xstilts.load(make_sweep(tmp_path)))
    same_plan(
        folder,
        xstilts.load(make_sweep(tmp_path, resources={"slots": 1}, description="other words")),
    )
    changed = xstilts.load(make_sweep(tmp_path, seeds=[1, 5]))
    with pytest.raises(xstilts.SweepError, match=r"seeds\[1\]: 2 -> 5; raise `version`"):
        same_plan(folder, changed)


def test_run_damaged_copy_of_the_sweep_is_written_again(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text('{"name": "ti')
    same_plan(tmp_path / "sweep", sweep)
    assert xstilts.Sweep.model_validate_json((tmp_path / "sweep/sweep.json").read_bytes()) == sweep

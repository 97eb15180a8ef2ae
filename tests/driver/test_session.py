"""What a run holds on to: one driver for a sweep, one plan for a name and version."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.driver.session import driver, lease_of, same_plan
from xstilts.errors import LeaseHeld
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep


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
    assert read_sweep(tmp_path / "sweep") == sweep


def test_driver_of_a_sweep_is_one_at_a_time_and_gives_its_lease_back(tmp_path: Path) -> None:
    sweep, store = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare()
    with driver(store, sweep):
        with pytest.raises(LeaseHeld, match="is at work on it"), driver(store, sweep):
            pass
        with driver(store, sweep.model_copy(update={"version": 2})):
            pass
    lease_of(store, sweep).look()


def test_same_plan_shows_six_changes_and_counts_the_others(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    same_plan(tmp_path / "sweep", sweep)
    target = sweep.target.model_copy(
        update={
            "lr": None,
            "steps": 1,
            "batch_size": 1,
            "max_length_tokens": 8,
            "weight_decay": 0.5,
            "max_grad_norm": 2.0,
            "patience_evals": 3,
        }
    )
    with pytest.raises(xstilts.SweepError, match=r"and \d+ more; raise `version`"):
        same_plan(tmp_path / "sweep", sweep.model_copy(update={"target": target}))


def test_run_words_about_a_task_are_no_part_of_the_plan(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    same_plan(tmp_path / "sweep", sweep)
    words = {"obtain": "ask the authors", "licence": "MIT"}
    tasks = tuple(task.model_copy(update=words) for task in sweep.tasks)
    same_plan(tmp_path / "sweep", sweep.model_copy(update={"tasks": tasks}))

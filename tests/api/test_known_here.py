"""What of a sweep's data and models is known on this machine, and why the rest is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.tiny import make_sweep
from xstilts.api import AnySweep, load, open_sweep, resolve
from xstilts.api.known_here import KnownHere


def known(file: AnySweep) -> KnownHere:
    opened = open_sweep(file, labels=False)
    return KnownHere(opened.plan, opened.context)


def test_all_that_is_here_is_known_as_a_run_would_know_it(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    here = known(file)
    assert not (tmp_path / "store").exists()
    opened = open_sweep(file)
    assert (here.unknown, here.revisions) == ({}, resolve(opened.plan, opened.context))
    assert not any(here.lacks(slot) for slot in here.plan.slots)


def test_missing_model_and_rows_are_named_with_the_reason(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    (tmp_path / "rows/first.en.dev.jsonl").unlink()
    shutil.rmtree(tmp_path / "mirror/models")
    here = known(file)
    assert set(here.unknown) == {"task first", "model local/tiny"}
    lacks = {slot.key: here.lacks(slot) for slot in here.plan.slots}
    assert lacks["tiny/first/t0"] == ["task first", "model local/tiny"]
    assert lacks["tiny/none>topic/t0"] == ["model local/tiny"]
    after = next(one for one in here.plan.slots if one.key == "tiny/first>topic/t0")
    assert here.lacks(after) == ["model local/tiny"]
    assert here.lacks_in_lineage(after) == ["task first", "model local/tiny"]
    reasons = here.unknown.items()
    assert not any("\n" in why or why.startswith(what) for what, why in reasons)


def test_label_table_that_cannot_be_read_makes_its_task_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = load(make_sweep(tmp_path))
    without = tuple(
        one.model_copy(update={"labels": ()}) if one.name == "first" else one for one in sweep.tasks
    )
    sweep = sweep.model_copy(update={"tasks": without})
    assert known(sweep).plan.sweep.task("first").labels[:2] == ("high", "low")
    (tmp_path / "rows/first.en.train.jsonl").unlink()
    here = known(sweep)
    assert set(here.unknown) == {"task first"}
    assert here.plan.sweep.task("topic").labels == ("low", "high")

"""A sweep is opened once: one plan of the labelled sweep, which a run checks and drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts import sweep_file
from xstilts.api import opened as opening, runs
from xstilts.api.check_and_plan import check_opened
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.verb_values import RunResult
from xstilts.spec.sweep import Sweep


@pytest.fixture
def unlabelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """A sweep whose tasks take their labels from their training rows."""
    monkeypatch.chdir(tmp_path)
    sweep = xstilts.load(make_sweep(tmp_path))
    tasks = tuple(task.model_copy(update={"labels": ()}) for task in sweep.tasks)
    return sweep.model_copy(update={"tasks": tasks})


def test_open_sweep_has_the_label_tables_of_the_data(unlabelled: Sweep, tmp_path: Path) -> None:
    opened = open_sweep(unlabelled)
    assert opened.sweep.task("topic").labels == ("high", "low", "<unseen>")
    assert opened.plan.sweep == opened.sweep
    assert opened.folder == tmp_path / "store/sweeps/tiny-v1"
    assert opened.unread_labels == ""


def test_open_sweep_without_labels_reads_no_data_and_writes_nothing(
    unlabelled: Sweep, tmp_path: Path
) -> None:
    opened = open_sweep(unlabelled, labels=False)
    assert opened.plan.sweep.task("topic").labels == ()
    assert not (tmp_path / "store").exists()


def test_open_sweep_of_a_file_starts_paths_from_its_folder(tmp_path: Path) -> None:
    opened = open_sweep(make_sweep(tmp_path), store=str(tmp_path / "other"))
    assert (opened.file, opened.context.base) == (str(tmp_path / "tiny.yaml"), str(tmp_path))
    assert opened.store.path == tmp_path / "other"


def test_open_sweep_of_a_value_has_no_file(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    opened = open_sweep(sweep, tracking="off", labels=False)
    assert opened.file is None
    assert opened.sweep == sweep.model_copy(update={"tracking": "off"})


def test_open_sweep_whose_labels_cannot_be_read_is_left_to_the_check(
    unlabelled: Sweep, tmp_path: Path
) -> None:
    (tmp_path / "rows/topic.en.train.jsonl").unlink()
    assert "has no split `train`" in open_sweep(unlabelled).unread_labels
    with pytest.raises(xstilts.SweepError, match="has no split `train`"):
        xstilts.check(unlabelled)


def test_check_never_passes_a_sweep_whose_labels_could_not_be_read(tmp_path: Path) -> None:
    # as where a server was away for a moment: the check of the data finds nothing wrong
    opened = replace(open_sweep(make_sweep(tmp_path)), unread_labels="away\nfor long")
    with pytest.raises(xstilts.SweepError) as caught:
        check_opened(opened)
    assert [problem.message for problem in caught.value.problems] == ["away", "for long"]


def test_run_reads_checks_and_plans_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make_sweep(tmp_path, tracking="off")
    calls: list[str] = []
    driven: list[Opened] = []

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*given: Any, **named: Any) -> Any:
            calls.append(name)
            return real(*given, **named)

        monkeypatch.setattr(module, name, call)

    counted(sweep_file, "load")
    counted(opening, "make_plan")
    counted(opening, "with_labels")
    counted(runs, "check_opened")

    def drive(board: Any, opened: Opened, *given: Any) -> RunResult:
        driven.append(opened)
        return RunResult({}, [], 0.0, 0, "", 0, [], str(opened.folder))

    monkeypatch.setattr(runs, "_drive", drive)
    xstilts.run(file)
    assert sorted(calls) == ["check_opened", "load", "make_plan", "with_labels"]
    assert [opened.sweep.name for opened in driven] == ["tiny"]

"""A training that is told to leave keeps a partial checkpoint, and loses no step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import toy
from tests.training.test_phase import assert_same, run, spec_of, world
from xstilts.spec.phase import PhaseSpec
from xstilts.store.phases import Store
from xstilts.training.phase import Answer, Report, run_phase

__all__ = ["world"]


class Steps:
    """A reporter that notes steps, and answers otherwise at one of them."""

    def __init__(self, at: int = 0, answer: Answer = Answer.LEAVE) -> None:
        self.at, self.answer, self.seen = at, answer, list[int]()

    def __call__(self, report: Report) -> int:
        self.seen.append(report.step)
        return self.answer if report.step == self.at and not report.doing else Answer.GO_ON


def leave(store: Path, spec: PhaseSpec, step: int) -> str:
    return run_phase(spec, toy.context(store), Steps(step))


def test_training_told_to_leave_keeps_what_it_has_and_goes_on_from_there(
    world: Path, tmp_path: Path
) -> None:
    spec = spec_of(world, "class", steps=12)
    run(tmp_path / "whole", spec)
    store = Store(tmp_path / "left")
    assert leave(tmp_path / "left", spec, 4) == "left"
    assert store.phase(spec.id).partials() == [4] and not store.phase(spec.id).done
    assert leave(tmp_path / "left", spec, 8) == "left"
    assert store.phase(spec.id).partials() == [8, 4]
    again = Steps()
    run(tmp_path / "left", spec, again)
    assert min(step for step in again.seen if step) > 8
    assert_same(tmp_path / "whole", tmp_path / "left", spec)


def test_training_told_to_leave_at_its_last_update_is_done(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class", steps=8)
    assert leave(tmp_path, spec, 8) == "done"


def test_training_told_to_stop_keeps_nothing(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class", steps=12)
    assert run_phase(spec, toy.context(tmp_path), Steps(4, Answer.STOP)) == "pruned"
    assert Store(tmp_path).phase(spec.id).partials() == []


@pytest.mark.parametrize(("at", "how"), [(1, "left"), (2, "done")])
def test_evaluation_told_to_leave_ends_after_a_language_but_not_after_the_last(
    world: Path, tmp_path: Path, at: int, how: str
) -> None:
    trained = spec_of(world, "class", steps=2)
    run(tmp_path, trained)
    spec = toy.evaluation(trained, trained.members[0].task)
    assert leave(tmp_path, spec, at) == how
    assert Store(tmp_path).phase(spec.id).done == (how == "done")

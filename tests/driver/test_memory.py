"""Phases like one that was short of memory begin with smaller micro-batches."""

from __future__ import annotations

from pathlib import Path

from tests.support import toy
from xstilts.driver.board import Assignment
from xstilts.driver.memory import Memory


def assignment(kind: str = "class", model: str = "small", **changes: object) -> Assignment:
    spec = toy.training("base", [toy.task(kind, Path("rows"))], **changes)
    return Assignment(slot="s", model=model, label="first seed 1", spec=spec)


def test_phases_of_the_same_kind_begin_with_what_the_first_found() -> None:
    memory = Memory()
    assert memory.begin("a", assignment()) == 0
    memory.heard("a", {"halvings": 1})
    memory.heard("a", {"halvings": 2})
    memory.heard("a", {})
    memory.end("a")
    assert memory.begin("b", assignment(seed=5, lr=1e-4, steps=20)) == 2
    for other in (
        assignment(model="large"),
        assignment("tags"),
        assignment(batch_size=4),
        assignment(grad_accumulation=2),
        assignment(max_length_tokens=16),
    ):
        assert memory.begin("c", other) == 0


def test_what_a_trial_says_after_its_end_counts_for_nobody() -> None:
    memory = Memory()
    memory.begin("a", assignment())
    memory.end("a")
    memory.heard("a", {"halvings": 3})
    assert memory.begin("b", assignment()) == 0 and memory.sentences() == []


def test_run_says_which_phases_were_cut_and_that_the_batches_are_the_same() -> None:
    memory = Memory()
    memory.begin("a", assignment())
    memory.heard("a", {"halvings": 2})
    (said,) = memory.sentences()
    assert said.startswith("memory ran out in first seed 1: micro-batches")
    assert "1/4 of their rows" in said

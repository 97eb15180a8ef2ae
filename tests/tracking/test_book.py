"""The ledger by phase."""

from __future__ import annotations

from typing import Any

from xstilts.store.ledger import Entry, StagePhase, State
from xstilts.tracking.book import Book


def _entry(slot: str, **fields: Any) -> Entry:
    common: dict[str, Any] = {"kind": "target", "model": "m", "task": "t", "seed": 1}
    return Entry(**{**common, "slot": slot, "state": State.DONE, **fields})


def test_main_finished_goes_before_failed_and_final_before_trial() -> None:
    book = Book(
        [
            _entry("failed", phase="p", state=State.FAILED),
            _entry("trial", phase="p", role="trial", trial=0),
            _entry("final", phase="p"),
            _entry("second", phase="p"),
        ]
    )
    assert book.main("p").slot == "final"
    assert len(book.slots["p"]) == 4


def test_slots_without_a_phase_stand_under_their_own_name_and_waiting_ones_nowhere() -> None:
    book = Book([_entry("a", state=State.FAILED), _entry("b", state=State.WAITING)])
    assert list(book.slots) == ["a"]


def test_chosen_are_final_evaluations_and_every_training_before_them_but_a_pretraining() -> None:
    stages = [("pretrain", "p0"), ("intermediate", "p1"), ("intermediate", "p2"), ("target", "p3")]
    lineage = tuple(StagePhase(kind=kind, task="t", phase=phase) for kind, phase in stages)  # type: ignore[arg-type]
    final = _entry("e", kind="evaluate", phase="p4", lineage=lineage)
    trial = _entry("x", kind="evaluate", phase="p9", role="trial", trial=0)
    assert Book([final, trial]).chosen == {"p1", "p2", "p3", "p4"}


def test_chosen_is_a_pretraining_too_where_it_is_the_checkpoint_that_is_scored() -> None:
    root = StagePhase(kind="pretrain", task="text", phase="p0")
    scored = _entry("e", kind="evaluate", phase="p1", lineage=(root,))
    assert Book([scored]).chosen == {"p0", "p1"}

"""Answers summed up: one cause for all phases that are new for the same reason."""

from __future__ import annotations

from typing import Any

from xstilts.api.cause_values import Answer, WhyResult
from xstilts.planning.changes import PARENT, Change


def change(field: str, new: str = "2") -> Change:
    return Change(field=field, old="1", new=new, said=f"{field} 1 -> {new}")


def new(slot: str, *changes: Change, parent: str = "", nearest: str = "old") -> Answer:
    return Answer(
        slot=slot,
        standing="new",
        phase=f"id-{slot}",
        nearest=nearest,
        changes=changes,
        parent=parent,
    )


def causes(*answers: Answer) -> list[tuple[Any, ...]]:
    result = WhyResult(sweep="s v1", answers={one.slot: one for one in answers})
    return [(c["changes"], c["phases"], c["by_parent"], c["example"]) for c in result.causes()]


def test_what_follows_from_a_parent_has_the_cause_of_the_root() -> None:
    root, child = new("a", change("lr")), new("b", change(PARENT), parent="a")
    grandchild = new("c", change(PARENT), parent="b")
    assert causes(root, child, grandchild) == [(["lr 1 -> 2"], 3, 2, "a")]


def test_own_difference_stands_beside_that_of_the_root() -> None:
    root, child = new("a", change("lr")), new("b", change("seed"), change(PARENT), parent="a")
    assert causes(root, child) == [
        (["lr 1 -> 2"], 1, 0, "a"),
        (["seed 1 -> 2", "lr 1 -> 2"], 1, 0, "a"),
    ]


def test_parent_that_is_done_is_itself_the_difference() -> None:
    done = Answer(slot="a", standing="done", phase="id")
    child = new("b", change(PARENT), parent="a")
    assert causes(done, child) == [([f"{PARENT} 1 -> 2"], 1, 0, "b")]


def test_what_stands_on_something_without_a_like_has_no_like() -> None:
    root, child = new("a", nearest=""), new("b", change(PARENT), parent="a")
    assert causes(root, child) == [([], 2, 1, "a")]


def test_slots_of_one_phase_count_once_and_values_are_listed_where_they_agree() -> None:
    one, same = new("a", change("lr")), new("b", change("lr"))
    twin = Answer(**{**vars(same), "phase": one.phase})
    assert causes(one, twin) == [(["lr 1 -> 2"], 1, 0, "a")]
    other = new("c", change("lr", "3"))
    assert causes(one, other) == [(["lr (several values)"], 2, 0, "a")]


def test_slot_is_told_with_what_it_follows_from() -> None:
    answers = {"a": new("a", change("lr")), "b": new("b", change(PARENT), parent="a")}
    told = WhyResult(sweep="s v1", answers=answers, slot="b").to_json()
    assert (told["slot"], [one["slot"] for one in told["because"]]) == ("b", ["a"])

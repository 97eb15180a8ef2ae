"""Damages in the words of the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xstilts.results.unreadable import lost, plain, unreadable
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.reading import Damage


def entry(slot: str, **changes: Any) -> Entry:
    """Final scores of `skill → tags`."""
    fields = {
        "kind": "evaluate",
        "model": "base",
        "intermediate": "skill",
        "target": "tags",
        "task": "tags",
        "seed": 1,
        "phase": "p1",
        "state": "done",
    }
    return Entry(slot=slot, **{**fields, **changes})


def test_unreadable_names_pair_seed_language_phase_and_file_of_the_store(tmp_path: Path) -> None:
    damage = Damage(
        phase="p1",
        part="predictions",
        language="de",
        message=f"{tmp_path}/phases/p1/predictions/de.parquet: damaged; `xstilts run` makes it",
    )
    (one,) = unreadable(Store(tmp_path), [damage], [entry("a")])
    text = "base, skill → tags, seed 1, de, phase p1: phases/p1/predictions/de.parquet: damaged"
    assert str(one) == text
    value = one.to_json()
    assert value["text"] == text
    assert [use["slot"] for use in value["uses"]] == ["a"]
    assert lost([value]) == {}, "its scores can be read"


def test_unreadable_phase_of_several_slots_lists_all_and_final_scores_first(tmp_path: Path) -> None:
    entries = [
        entry("t", kind="target", role="trial", trial=0),
        entry("a"),
        entry("b", seed=2, intermediate=""),
    ]
    damage = Damage(phase="p1", part="record", message="bad")
    (one,) = unreadable(Store(tmp_path), [damage], entries)
    assert str(one) == "base, skill → tags, seed 1 and 2 more, phase p1: bad"
    assert lost([one.to_json()]) == {("base", "skill", "tags"): [1], ("base", "none", "tags"): [2]}


def test_unreadable_training_says_that_it_is_one(tmp_path: Path) -> None:
    damage = Damage(phase="p1", part="record", message="bad")
    own = entry("a", kind="intermediate", target="")
    (one,) = unreadable(Store(tmp_path), [damage], [own])
    assert str(one) == "base, skill, seed 1 (training), phase p1: bad"


def test_unreadable_leaves_out_phases_that_have_not_finished(tmp_path: Path) -> None:
    damages = [
        Damage(phase="p1", part="record", message="there is no record yet"),
        Damage(part="doubts.json", message="doubts.json: damaged"),
    ]
    entries = [entry("a", state="running"), entry("b", phase="", state="pruned")]
    found = unreadable(Store(tmp_path), damages, entries)
    assert list(map(str, found)) == ["doubts.json: damaged"]


def test_unreadable_says_a_problem_once(tmp_path: Path) -> None:
    damage = Damage(phase="p1", part="record", message="bad file")
    problems = ["skill → tags, phase p1: no interval: bad file", "others differ", "others differ"]
    found = unreadable(Store(tmp_path), [damage], [entry("a")], problems)
    assert [one.message for one in found] == ["bad file", "others differ"]


def test_plain_is_one_line_from_the_store_on(tmp_path: Path) -> None:
    assert plain(f"{tmp_path}/a: b.\nc", Store(tmp_path)) == "a: b"
    assert plain(KeyError("n"), Store(tmp_path)) == "no 'n' in it"

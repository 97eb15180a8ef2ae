"""The runs between the sweep's and those of its phases."""

from __future__ import annotations

from statistics import fmean

import pytest

from tests.tracking.world import World
from xstilts.store.ledger import State
from xstilts.tracking.book import Book
from xstilts.tracking.known_phases import KnownPhases
from xstilts.tracking.pair_runs import pair_key, pair_runs
from xstilts.tracking.run_view import RunView


def runs_of(world: World, **changes: object) -> dict[str, RunView]:
    """The pairs' runs by name; slots of `skill→tags` have these changes."""
    entries = [
        entry.model_copy(update=changes) if pair_key(entry) == "pair base/skill→tags" else entry
        for entry in world.entries
    ]
    gains = KnownPhases(world.store).gains(entries)
    return {run.name: run for run in pair_runs(world.sweep, entries, Book(entries), gains)}


def test_pair_runs_are_one_a_pair_and_one_an_intermediate(world: World) -> None:
    runs = runs_of(world)
    assert {*runs} == {"none→tags", "skill→tags", "broken→tags", "skill", "broken"}
    assert runs["skill→tags"].tags["xstilts.kind"] == "pair"
    assert runs["skill"].tags["xstilts.kind"] == "above"
    assert runs["skill→tags"].params == {
        "model": "base",
        "intermediate.task": "skill",
        "target.task": "tags",
    }


def test_pair_runs_have_the_mean_gain_over_seeds_by_language(world: World) -> None:
    run, entries = runs_of(world)["skill→tags"], world.entries
    gains = KnownPhases(world.store).gains(entries)
    own = [gains[e.phase] for e in entries if e.phase in gains and e.intermediate == "skill"]
    assert run.latest["gain"] == pytest.approx(fmean(one[""] for one in own), abs=1e-4)
    assert run.latest["gain/tags/de"] == pytest.approx(fmean(one["de"] for one in own), abs=1e-4)
    assert run.latest["gain/seeds"] == len(own)
    assert "gain" not in runs_of(world)["none→tags"].latest


def test_pair_runs_say_how_far_the_pair_is(world: World) -> None:
    runs = runs_of(world)
    assert runs["skill→tags"].status == "FINISHED"
    assert runs["skill→tags"].ended is not None
    assert runs["broken→tags"].status == "FAILED"
    assert runs["broken→tags"].latest["phases/failed"] == 2
    going = runs_of(world, state=State.RUNNING)["skill→tags"]
    assert (going.status, going.ended) == ("RUNNING", None)


def test_pair_runs_of_pairs_that_have_not_begun_are_left_out(world: World) -> None:
    assert "skill→tags" not in runs_of(world, state=State.WAITING)

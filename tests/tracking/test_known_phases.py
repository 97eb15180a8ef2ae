"""What is known of each phase, and the gains of each pair."""

from __future__ import annotations

import pytest

from tests.support.builders import record_file
from tests.tracking.world import World
from xstilts.tracking.known_phases import KnownPhases


def test_gains_are_over_the_baseline_of_the_same_seed_and_have_their_mean(world: World) -> None:
    phases, entries = KnownPhases(world.store), world.entries
    finals = {e.intermediate: e for e in entries if e.kind == "evaluate" and e.phase}
    values = {
        label: world.store.phase(entry.phase).record().evaluated.scores
        for label, entry in finals.items()
    }
    (found,) = phases.gains(entries).values()
    for language in ("en", "de"):
        expected = values["skill"][language]["chunk_f1"] - values["none"][language]["chunk_f1"]
        assert found[language] == pytest.approx(expected, abs=1e-4)
    assert found[""] == pytest.approx((found["en"] + found["de"]) / 2, abs=1e-4)


def test_gains_without_a_baseline_are_none(world: World) -> None:
    assert (
        KnownPhases(world.store).gains([e for e in world.entries if e.intermediate != "none"]) == {}
    )


def test_of_a_training_leaves_out_its_curve(world: World) -> None:
    phase = next(e.phase for e in world.entries if e.kind == "target" and e.state.finished)
    trained = KnownPhases(world.store).of(phase).trained
    assert trained is not None
    assert trained.curve == ()
    assert trained.dev is not None


def test_of_a_damaged_record_is_a_problem_until_it_can_be_read(world: World) -> None:
    phase = next(e.phase for e in world.entries if e.kind == "evaluate" and e.phase)
    path = record_file(world.store, phase)
    whole, phases = path.read_bytes(), KnownPhases(world.store)
    path.write_text("{")
    assert phases.of(phase).evaluated is None
    assert phase in phases.problems
    path.write_bytes(whole)
    assert phases.of(phase).evaluated is not None
    assert phases.problems == {}

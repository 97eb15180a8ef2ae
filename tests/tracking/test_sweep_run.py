"""The run of the sweep itself."""

from __future__ import annotations

import pytest

from tests.tracking.world import World
from xstilts.store.ledger import State
from xstilts.tracking.sweep_run import sweep_run


def test_sweep_run_counts_phases_by_state_and_has_the_pairs_mean_gains(world: World) -> None:
    entries = world.entries
    pair = next(e for e in entries if e.kind == "evaluate" and e.intermediate == "skill")
    run = sweep_run(world.sweep, world.store, entries, {pair.phase: {"": 1.5, "de": 2.0}})
    assert run.latest["pair_gain/tags/skill"] == 1.5
    assert run.latest["phases/failed"] == sum(e.state is State.FAILED for e in entries)
    assert "phases/waiting" not in run.latest
    assert run.params["intermediates"] == "none, skill, broken"


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.RUNNING, "RUNNING"), (State.FAILED, "FAILED"), (State.CACHED, "FINISHED")],
)
def test_sweep_run_status_follows_its_slots(world: World, state: State, status: str) -> None:
    done = [e for e in world.entries if e.state.finished]
    changed = done[-1].model_copy(update={"state": state})
    run = sweep_run(world.sweep, world.store, [*done[:-1], changed], {})
    assert run.status == status
    assert (run.ended is None) is (status == "RUNNING")


def test_sweep_run_shows_the_description_as_text(world: World) -> None:
    sweep = world.sweep.model_copy(update={"description": "![x](http://a.b/c) <b>*d*"})
    tags = sweep_run(sweep, world.store, world.entries, {}).tags
    assert tags["mlflow.note.content"] == (r"!\[x\](http:&#47;&#47;a.b/c) &lt;b&gt;\*d\*")

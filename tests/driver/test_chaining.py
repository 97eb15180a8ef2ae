"""A trial that goes on with the next phase, on the real board; Ray's actor is a list of calls."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.driver.test_board import board_of
from tests.support.drives import drive_of, places
from tests.support.stub_phases import leave
from tests.support.sweeps import small
from xstilts.driver.adapters import PhaseSearcher
from xstilts.driver.chaining import goes_on
from xstilts.driver.drive import Drive
from xstilts.driver.slots import Node
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.sweep import Budget, Sweep
from xstilts.store.ledger import State


class Actor:
    """Keeps what it is told to go on with."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.go_on = SimpleNamespace(remote=self.told.append)


def world(path: Path, sweep: Sweep | None = None) -> tuple[Drive, Any, Any]:
    """A drive of one slot, the config of its first phase, and the trial that runs it."""
    sweep = sweep or small()
    board, _, _ = board_of(sweep, path)
    drive = drive_of(board, sweep, places(sweep, Node(cpus=1, gpus=0)))
    config = PhaseSearcher(drive).suggest("t1")
    trial = SimpleNamespace(trial_id="t1", temporary_state=SimpleNamespace(ray_actor=Actor()))
    return drive, config, trial


def work(drive: Drive, config: dict[str, Any]) -> None:
    """What the trial's process does."""
    spec = PhaseSpec.model_validate(config["spec"])
    leave(spec, drive.board.store.phase(spec.id))


def test_one_trial_runs_a_whole_sweep_and_ends_when_nothing_is_left(tmp_path: Path) -> None:
    drive, config, trial = world(tmp_path)
    told = trial.temporary_state.ray_actor.told
    work(drive, config)
    while goes_on(drive, trial, {"status": "done"}):
        work(drive, told[-1])
    assert drive.board.settled
    assert drive.trials == {}
    assert drive.meter.started == len(told) + 1 == len({one["phase"] for one in [config, *told]})
    assert PhaseSearcher(drive).suggest("t2") == "FINISHED"


def test_failed_phase_is_told_to_the_board_and_the_trial_goes_on(tmp_path: Path) -> None:
    drive, config, trial = world(tmp_path)
    ending = {"status": "failed", "error": "no", "hopeless": True}
    assert goes_on(drive, trial, ending)
    entry = drive.board.ledger.get(config["slot"])
    assert entry is not None and (entry.state, entry.error) == (State.FAILED, "no")
    assert trial.temporary_state.ray_actor.told[0]["slot"] == drive.trials["t1"] != config["slot"]


def test_trial_whose_budget_is_spent_ends(tmp_path: Path) -> None:
    drive, config, trial = world(tmp_path, small(budget=Budget(phases=1)))
    work(drive, config)
    assert not goes_on(drive, trial, {"status": "done"})
    assert drive.stopped == "budget"
    assert PhaseSearcher(drive).suggest("t2") == "FINISHED"


def test_trial_with_nothing_ready_ends_and_a_later_one_takes_what_comes(tmp_path: Path) -> None:
    drive, config, trial = world(tmp_path)
    drive.slots.nodes = [Node(cpus=99, gpus=0)]
    searcher, others = PhaseSearcher(drive), {}
    while (more := searcher.suggest(f"o{len(others)}")) is not None:
        others[f"o{len(others)}"] = more
    work(drive, config)
    assert not goes_on(drive, trial, {"status": "done"})
    assert "t1" not in drive.trials
    for name, one in others.items():
        work(drive, one)
        drive.ended(name, {"status": "done"})
    assert isinstance(searcher.suggest("later"), dict)


def test_trial_whose_actor_is_gone_ends(tmp_path: Path) -> None:
    drive, config, trial = world(tmp_path)
    work(drive, config)
    trial.temporary_state.ray_actor = None
    assert not goes_on(drive, trial, {"status": "done"})
    assert drive.trials == {}

"""What the engine's adapters tell the board when a trial's process goes. No Ray is started."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from tests.driver.test_board import board_of
from tests.driver.test_departures import Cluster
from tests.support.drives import drive_of, places
from tests.support.sweeps import small
from xstilts.driver import adapters
from xstilts.driver.departures import MOST_LOSSES, Departures
from xstilts.driver.slots import Node
from xstilts.spec.sweep import Resources, Sweep
from xstilts.store.ledger import Entry, State


class Run:
    """A run of a small sweep with one slot, driven by hand."""

    def __init__(self, folder: Path, sweep: Sweep | None = None) -> None:
        sweep = sweep or small()
        self.board, store, _ = board_of(sweep, folder)
        self.cluster, self.killed = Cluster(), list[Any]()
        departures = Departures(store, 0, folder / "hung", self.cluster, kill=self.killed.append)
        self.drive = drive_of(
            self.board, sweep, places(sweep, Node(cpus=1, gpus=0)), departures=departures
        )
        self.searcher = adapters.PhaseSearcher(self.drive)
        self.scheduler = adapters.PhaseScheduler(self.drive)
        state = SimpleNamespace(ray_actor=SimpleNamespace())
        self.trial = SimpleNamespace(trial_id="t", temporary_state=state)

    def begins(self) -> dict[str, Any]:
        return dict(self.searcher.suggest("t"))

    def says(self, **row: Any) -> str:
        given = {"status": "running", "step": 1, "steps": 9, "nodes": ["n1"], **row}
        return self.scheduler.on_trial_result(None, self.trial, given)

    def dies(self) -> None:
        self.scheduler.on_trial_error(None, self.trial)
        self.searcher.on_trial_complete("t", error=True)

    def entry(self, slot: str) -> Entry:
        entry = self.board.ledger.get(slot)
        assert entry is not None
        return entry


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_phase_whose_node_died_is_handed_out_again_without_an_attempt(run: Run) -> None:
    begun = run.begins()
    run.says()
    run.cluster.dead = {"n1"}
    run.dies()
    assert run.entry(begun["slot"]).state is State.WAITING
    assert run.entry(begun["slot"]).attempts == 0
    assert run.begins()["phase"] == begun["phase"]


def test_phase_that_left_is_killed_and_handed_out_again(run: Run) -> None:
    begun = run.begins()
    assert run.says(status="left", step=0) == "CONTINUE"
    assert run.killed == [run.trial.temporary_state.ray_actor]
    run.dies()
    assert run.entry(begun["slot"]).attempts == 0
    assert run.begins()["phase"] == begun["phase"]


def test_phase_whose_process_crashes_each_time_fails(run: Run) -> None:
    retries = run.drive.sweep.resources.retries
    for attempt in range(1, retries + 2):
        begun = run.begins()
        run.says()
        run.dies()
        assert run.entry(begun["slot"]).attempts == attempt
    entry = run.entry(begun["slot"])
    assert entry.state is State.FAILED
    assert entry.error == "the trial's process died on node 10.0.0.1 (n1)"


def test_phase_whose_nodes_die_again_and_again_fails_and_says_so(run: Run) -> None:
    run.cluster.dead = {"n1"}
    for _ in range(MOST_LOSSES + 1):
        begun = run.begins()
        run.says()
        run.dies()
    entry = run.entry(begun["slot"])
    assert entry.state is State.FAILED
    assert entry.error == (
        "its node 10.0.0.1 (n1) was lost, as often before; it may be the cause itself"
    )


def test_phase_that_fails_because_a_worker_lost_its_node_is_not_to_blame(run: Run) -> None:
    begun = run.begins()
    run.says(nodes=["n1", "n2"])
    run.cluster.dead = {"n2"}
    row = {"status": "failed", "error": "a worker died", "hopeless": False, "damaged": ""}
    run.searcher.on_trial_complete("t", row)
    assert run.entry(begun["slot"]).attempts == 0


def test_group_short_of_memory_begins_again_with_smaller_micro_batches(run: Run) -> None:
    begun = run.begins()
    assert begun["context"]["halvings"] == 0
    run.says(status="short", halvings=1, error="CUDA out of memory")
    run.dies()
    again = run.begins()
    assert again["phase"] == begun["phase"] and again["context"]["halvings"] == 1
    assert run.entry(begun["slot"]).attempts == 1


def test_run_that_is_to_end_hands_out_nothing_and_its_phases_wait(run: Run) -> None:
    begun = run.begins()
    run.drive.leave()
    assert run.searcher.suggest("u") == Searcher.FINISHED
    run.says(status="left")
    run.dies()
    assert run.entry(begun["slot"]).state is State.WAITING
    assert not run.board.settled


class Tune:
    """What the scheduler asks of Tune's controller, for trials that have no place yet."""

    def __init__(self, run: Run, *waiting: str) -> None:
        state = SimpleNamespace(ray_actor=None)
        self.waiting = [
            SimpleNamespace(trial_id=one, status="PENDING", temporary_state=state)
            for one in waiting
        ]
        self._staged_trials = list(self.waiting)
        self._actor_cache = SimpleNamespace(increase_max=lambda place, by: None)
        self._tune_controller = self
        self._searcher = run.searcher
        self.get_live_trials = self.get_trials = lambda: list(self.waiting)
        self._unstage_trial_with_resources = self._staged_trials.remove

    def stop_trial(self, trial: Any) -> None:
        self.waiting.remove(trial)
        self._searcher.on_trial_complete(trial.trial_id)


def test_phase_that_waits_for_a_kind_whose_nodes_have_gone_is_handed_out_for_another(
    tmp_path: Path,
) -> None:
    resources = Resources(gpus_per_worker=1, gpu=["A100-80GB", "L4"])
    run = Run(tmp_path, small(resources=resources))
    l4 = Node(cpus=2, gpus=2, label="L4")
    run.drive.slots.nodes = [l4]
    run.drive.slots.own = False
    first, second = run.searcher.suggest("t"), run.searcher.suggest("u")
    assert first["kind"] == second["kind"] == "L4"
    run.scheduler.choose_trial_to_run(tune := Tune(run, "u"))
    assert len(tune.waiting) == 1 and run.drive.meter.started == 2

    run.drive.slots.nodes = [Node(cpus=1, gpus=1, label="L4")]
    run.scheduler.choose_trial_to_run(tune)
    assert tune.waiting == tune._staged_trials == [] and run.drive.meter.started == 1
    assert run.entry(first["slot"]).state is State.RUNNING
    assert run.entry(second["slot"]).state is State.WAITING
    assert run.entry(second["slot"]).attempts == 0
    again = run.searcher.suggest("v")
    assert (again["phase"], again["kind"]) == (second["phase"], "A100-80GB or L4")

    run.scheduler.choose_trial_to_run(tune := Tune(run, "v"))
    assert len(tune.waiting) == 1  # any node will do


def test_phase_that_waits_for_the_only_kind_of_its_sweep_waits_on(tmp_path: Path) -> None:
    run = Run(tmp_path, small(resources=Resources(gpus_per_worker=1, gpu="L4")))
    run.drive.slots.nodes = [Node(cpus=1, gpus=1, label="L4")]
    run.begins()
    run.drive.slots.nodes = []
    run.scheduler.choose_trial_to_run(tune := Tune(run, "t"))
    assert len(tune.waiting) == 1 and list(run.drive.trials) == ["t"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"tokens_per_second": 12_345.6}, "12,346 tokens/s"),
        ({"examples_per_second": 81.2, "tokens_per_second": None}, "81 examples/s"),
        ({}, ""),
        ({"tokens_per_second": 0.0}, ""),
    ],
)
def test_rate_of_a_report_is_in_words(result: dict[str, Any], words: str) -> None:
    assert adapters._rate(result) == words

"""What the engine's adapters do when a budget is spent, and which kinds of GPU they hand out; Tune
is played by the test.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.driver.test_board import board_of
from tests.driver.test_budget import Clock
from tests.driver.test_departures import Cluster
from tests.support.drives import drive_of, places
from tests.support.sweeps import small
from xstilts.driver import adapters
from xstilts.driver.departures import Departures
from xstilts.driver.drive import Ended
from xstilts.driver.slots import Node
from xstilts.spec.sweep import Budget, Resources, Sweep
from xstilts.store.ledger import State

ROW = {"status": "running", "step": 1, "steps": 10, "value": None}


class Tune:
    """Tune's loop over a board, as far as the adapters see it."""

    def __init__(self, path: Path, sweep: Sweep, *nodes: Node, own: bool = True) -> None:
        self.board, self.store, _ = board_of(sweep, path)
        self.clock, self.told, self.killed = Clock(), list[str](), list[Any]()
        slots, hung = places(sweep, *nodes, own=own), path / "hung"
        departures = Departures(
            self.store, 0, hung, Cluster(), kill=self.killed.append, clock=self.clock
        )
        self.drive = drive_of(self.board, sweep, slots, self.clock, departures=departures)
        self.searcher = adapters.PhaseSearcher(self.drive)
        self.scheduler = adapters.PhaseScheduler(self.drive)
        self.ticker = adapters.Ticker(self.drive)

    def begin(self, trial: str, *, waits: bool = False) -> dict[str, Any]:
        """A trial that gets a phase, and its place unless it `waits`."""
        config: dict[str, Any] = self.searcher.suggest(trial)
        if not waits:
            self.ticker.on_trial_start(0, [], SimpleNamespace(trial_id=trial))
        return config

    def _trial(self, trial: str) -> Any:
        said = SimpleNamespace(remote=partial(self.told.append, trial))
        on = SimpleNamespace(remote=lambda config: self.told.append(trial))
        actor = SimpleNamespace(leave=said, go_on=on)
        return SimpleNamespace(trial_id=trial, temporary_state=SimpleNamespace(ray_actor=actor))

    def report(self, trial: str, **row: Any) -> str:
        """What Tune is told to do when a trial reports."""
        return self.scheduler.on_trial_result(None, self._trial(trial), {**ROW, **row})

    def step(self) -> None:
        """Tune's step, at which trials are told to leave."""
        self.ticker.on_step_end(0, [self._trial(trial) for trial in self.drive.trials])

    def leaves(self, trial: str) -> None:
        """A trial that was told to leave has kept its checkpoint and is killed."""
        assert self.report(trial, status="left") == "CONTINUE"
        self.searcher.on_trial_complete(trial, error=True)

    def end(self, trial: str, status: str = "running") -> None:
        """A trial that has ended with this row."""
        self.searcher.on_trial_complete(trial, {**ROW, "status": status})


def test_phases_longer_than_the_grace_leave_and_are_not_pruned(tmp_path: Path) -> None:
    tune = Tune(tmp_path, small(budget=Budget(hours=1, grace_minutes=10)))
    tune.begin("short")
    long = tune.begin("long")
    tune.clock.now += 3600
    tune.board.progress(tune.drive.trials["short"], 9, 10)  # 400 s to go
    tune.board.progress(tune.drive.trials["long"], 1, 10)
    tune.step()
    assert tune.searcher.suggest("more") == "FINISHED"
    assert tune.report("short", step=9) == tune.report("long") == "CONTINUE"
    assert tune.told == ["long"]
    tune.leaves("long")
    assert len(tune.killed) == 1
    assert tune.drive.departures.sentences() == []  # it left no node that was to go
    entry = tune.board.ledger.get(long["slot"])
    assert entry is not None
    assert (entry.state, entry.attempts, entry.phase) == (State.WAITING, 0, long["phase"])
    assert tune.drive.stopped == "budget"
    assert tune.drive.budget == "budget of 1 hours, 1.0 used"


def test_phase_that_ends_before_it_could_stop_counts(tmp_path: Path) -> None:
    tune = Tune(tmp_path, small(budget=Budget(hours=1, grace_minutes=0)))
    config = tune.begin("a")
    tune.clock.now += 3600
    tune.board.progress(config["slot"], 1, 10)
    tune.drive.tick()
    assert "a" in tune.drive.halted
    tune.searcher.on_trial_complete("a", {"status": "failed", "error": "boom", "hopeless": True})
    entry = tune.board.ledger.get(config["slot"])
    assert entry is not None and entry.state is State.FAILED


def test_loop_ends_where_only_phases_without_a_place_are_left(tmp_path: Path) -> None:
    sweep = small(budget=Budget(gpu_hours=0.5), resources=Resources(gpus_per_worker=1, slots=2))
    tune = Tune(tmp_path, sweep, Node(cpus=8, gpus=1), own=False)
    tune.begin("runs")
    tune.begin("waits", waits=True)
    tune.clock.now += 1800
    tune.drive.tick()  # half a GPU hour; the running phase has its estimate to go
    with pytest.raises(Ended):
        tune.leaves("runs")
    assert tune.drive.ending and tune.drive.budget == "budget of 0.5 GPU hours, 0.5 used"
    assert len(tune.board.running) == 1  # given back by the run's outcome


def test_budget_to_finish_stops_no_phase(tmp_path: Path) -> None:
    tune = Tune(tmp_path, small(budget=Budget(hours=1, when_spent="finish")))
    tune.begin("a")
    tune.clock.now += 7200
    tune.board.progress(tune.drive.trials["a"], 1, 10)
    tune.drive.tick()
    assert tune.report("a") == "CONTINUE"
    assert tune.searcher.suggest("b") == "FINISHED"


def test_phases_are_handed_out_for_what_fits_and_what_a_cluster_is_asked_for(
    tmp_path: Path,
) -> None:
    wanted = Resources(gpus_per_worker=1, gpu=("H100", "L4"))
    one, two = Node(cpus=8, gpus=1, label="H100"), Node(cpus=8, gpus=1, label="L4")
    tune = Tune(tmp_path, small(resources=wanted), one, two, own=False)
    kinds = []
    while (config := tune.searcher.suggest(f"t{len(kinds)}")) is not None:
        kinds.append(config["kind"])
    either = "H100 or L4"
    assert kinds == ["H100", "L4", either, either]  # two that fit, two that are asked for
    tune.end("t1", "failed")
    assert tune.searcher.suggest("again")["kind"] == either
    tune.drive.slots.nodes = [two]
    tune.end("t0", "failed")
    assert tune.searcher.suggest("less") is None


def test_phase_for_any_kind_is_one_of_the_kind_on_whose_node_it_is_heard(tmp_path: Path) -> None:
    wanted = Resources(gpus_per_worker=1, gpu=("H100", "L4"))
    tune = Tune(tmp_path, small(resources=wanted), Node(cpus=8, gpus=0, id="head"), own=False)
    assert tune.begin("a")["kind"] == "H100 or L4"
    assert tune.report("a") == "CONTINUE"  # before the nodes were read again
    tune.drive.slots.nodes = [Node(cpus=8, gpus=1, label="L4", id="new")]
    tune.clock.now += 3600
    assert tune.drive.meter.hours() == {"H100 or L4": 1.0}
    assert tune.report("a", nodes=["new"]) == "CONTINUE"
    assert tune.drive.meter.hours() == {"L4": 1.0}
    assert tune.drive.running_by_kind() == {"L4": 1}


def test_trial_gives_its_place_to_a_phase_that_was_handed_out_before_and_waits(
    tmp_path: Path,
) -> None:
    sweep = small(resources=Resources(gpus_per_worker=1))
    tune = Tune(tmp_path, sweep, Node(cpus=8, gpus=1), own=False)
    tune.begin("runs")
    waits = tune.begin("waits", waits=True)
    assert tune.report("runs", status="failed", error="boom", hopeless=True) == "STOP"
    tune.ticker.on_trial_start(0, [], SimpleNamespace(trial_id="waits"))
    assert tune.drive.meter.running == [waits["slot"]]
    tune.drive.slots.nodes = [Node(cpus=8, gpus=2)]
    tune.begin("more")
    assert tune.report("more", status="failed", error="boom", hopeless=True) == "CONTINUE"
    assert len(tune.told) == 1


def hangs(tune: Tune, trial: str, node: str) -> None:
    """A trial's phase hangs on a node, and its process is killed."""
    assert tune.report(trial, status="hung", nodes=[node], error="no progress") == "CONTINUE"
    tune.searcher.on_trial_complete(trial, error=True)


def three_nodes(tmp_path: Path) -> Tune:
    """Two nodes with a place each, and a head without."""
    nodes = (Node(cpus=1, gpus=0, id=one) for one in ("n1", "n2"))
    return Tune(tmp_path, small(), Node(cpus=0, gpus=0, id="head"), *nodes, own=False)


def test_phase_that_hung_goes_to_another_node_than_each_on_which_it_did(tmp_path: Path) -> None:
    tune = three_nodes(tmp_path)
    first = tune.begin("a")
    assert first["avoided"] == ()
    hangs(tune, "a", "n1")
    again = tune.begin("b")
    assert (again["slot"], again["avoided"]) == (first["slot"], ("n1",))
    assert tune.begin("c")["avoided"] == ()
    hangs(tune, "b", "n2")  # now there is no node on which it did not
    assert tune.begin("d")["avoided"] == ()
    entry = tune.board.ledger.get(first["slot"])
    assert entry is not None and entry.attempts == 3


def test_trial_that_keeps_its_place_takes_no_phase_that_hung(tmp_path: Path) -> None:
    tune = three_nodes(tmp_path)
    tune.begin("a")
    hung = tune.begin("b")
    hangs(tune, "b", "n2")
    assert tune.report("a", status="failed", error="boom", hopeless=True) == "STOP"
    again = tune.begin("c")
    assert (again["slot"], again["avoided"]) == (hung["slot"], ("n2",))
    assert tune.board.running == [hung["slot"]]
    other = tune.begin("d")  # and what it has not to do with goes on as before
    assert tune.report("d", status="failed", error="boom", hopeless=True) == "CONTINUE"
    assert other["slot"] != hung["slot"] and len(tune.board.running) == 2


def test_phase_that_hung_and_waits_for_a_node_that_is_lost_goes_anywhere(tmp_path: Path) -> None:
    tune = three_nodes(tmp_path)
    hung = tune.begin("a")
    hangs(tune, "a", "n1")
    tune.begin("b", waits=True)
    stopped: list[str] = []
    state = SimpleNamespace(ray_actor=None)
    alive = [
        SimpleNamespace(trial_id=one, status="PENDING", temporary_state=state) for one in ("a", "b")
    ]

    def stop(trial: Any) -> None:
        stopped.append(trial.trial_id)
        tune.searcher.on_trial_complete(trial.trial_id)

    controller = SimpleNamespace(get_live_trials=lambda: alive, stop_trial=stop, _staged_trials=())
    for nodes, ended in ((tune.drive.slots.nodes, []), (tune.drive.slots.nodes[:2], ["b"])):
        tune.drive.slots.nodes = nodes
        tune.scheduler._take_back(controller)
        assert stopped == ended
    again = tune.begin("c")
    assert (again["slot"], again["avoided"]) == (hung["slot"], ())
    entry = tune.board.ledger.get(hung["slot"])
    assert entry is not None and entry.attempts == 2  # the wait was none


def test_no_idle_process_keeps_its_place_from_a_phase_that_hung_elsewhere(tmp_path: Path) -> None:
    tune = three_nodes(tmp_path)
    asked: Counter[str] = Counter()
    cache = SimpleNamespace(increase_max=lambda place, by: asked.update({place: by}))
    controller = SimpleNamespace(_tune_controller=SimpleNamespace(_actor_cache=cache))

    def add(trial: str, config: dict[str, Any], place: str) -> None:
        added = SimpleNamespace(trial_id=trial, placement_group_factory=place, config=config)
        tune.scheduler.on_trial_add(controller, added)

    add("a", tune.begin("a"), "any")
    assert asked == {"any": 2}
    hangs(tune, "a", "n1")
    add("b", tune.begin("b", waits=True), "not n1")
    assert asked == {"any": 0}
    tune.ticker.on_trial_start(0, [], SimpleNamespace(trial_id="b"))
    tune.scheduler._keep(controller)
    assert asked == {"any": 2}


def test_snapshot_says_how_many_fit_and_what_is_waited_for(tmp_path: Path) -> None:
    shown: list[dict[str, Any]] = []
    sweep = small(resources=Resources(gpus_per_worker=1))
    board, _, _ = board_of(sweep, tmp_path)
    slots = places(sweep, Node(cpus=8, gpus=0), own=False)
    drive = drive_of(board, sweep, slots, watch=shown.append)
    drive.tick(force=True)
    assert shown[-1]["slots"] == 0
    assert shown[-1]["doing"].startswith("waiting for nodes with 1 CPUs and 1 GPUs")
    slots.nodes = [Node(cpus=8, gpus=4)]
    drive.tick(force=True)
    assert shown[-1]["slots"] == 4 and "doing" not in shown[-1]


def test_idle_processes_are_kept_on_an_own_machine_and_let_go_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for own, kept in ((True, 4), (False, 1)):
        sweep = small(resources=Resources(gpus_per_worker=1))
        tune = Tune(tmp_path / str(own), sweep, Node(cpus=8, gpus=4), own=own)
        wanted: dict[str, int] = {}

        class Cache:
            def increase_max(self, place: str, by: int, wanted: dict[str, int] = wanted) -> None:
                wanted[place] = wanted.get(place, 0) + by

        controller = SimpleNamespace(_tune_controller=SimpleNamespace(_actor_cache=Cache()))
        config = tune.begin("a")
        trial = SimpleNamespace(trial_id="a", placement_group_factory="p", config=config)
        tune.scheduler.on_trial_add(controller, trial)
        assert wanted == {"p": 4}
        tune.scheduler._full -= adapters.IDLE_SECONDS + 1
        tune.scheduler._keep(controller)
        assert wanted == {"p": kept}


def test_no_idle_process_keeps_its_gpu_from_a_phase_for_any_kind(tmp_path: Path) -> None:
    wanted = Resources(gpus_per_worker=1, gpu=("H100", "L4"))
    tune = Tune(tmp_path, small(resources=wanted), Node(cpus=8, gpus=1, label="L4"), own=False)
    asked: Counter[str] = Counter()
    cache = SimpleNamespace(increase_max=lambda place, by: asked.update({place: by}))
    controller = SimpleNamespace(_tune_controller=SimpleNamespace(_actor_cache=cache))
    for trial, kind, kept in (("a", "L4", {"L4": 1}), ("b", "H100 or L4", {"L4": 0})):
        config = tune.begin(trial)
        assert config["kind"] == kind
        added = SimpleNamespace(trial_id=trial, placement_group_factory=kind, config=config)
        tune.scheduler.on_trial_add(controller, added)
        assert asked == kept

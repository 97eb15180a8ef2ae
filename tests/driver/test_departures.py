"""How the processes of trials go, whose fault it is, and what becomes of their leases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xstilts.driver.departures import MOST_LOSSES, Departures
from xstilts.driver.nodes import Nodes
from xstilts.errors import LeaseHeld
from xstilts.store.owner import owner_of
from xstilts.store.phases import Store


class Cluster(Nodes):
    """Nodes that a test takes away."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[str] = set()

    def gone(self, node: str) -> bool:
        return node in self.dead or node in self.draining

    def name(self, node: str) -> str:
        return f"10.0.0.1 ({node})"

    def of(self, actor: Any) -> str:
        return "n1" if actor is not None else ""

    def stacks(self, node: str, pid: int) -> str:
        return f"stacks of {pid} on {node}"


class World:
    """A run with one trial, on a clock that the test sets."""

    def __init__(self, folder: Path, deadline: float = 100) -> None:
        self.now, self.cluster = 1000.0, Cluster()
        self.killed: list[Any] = []
        self.left: list[str] = []
        self.store = Store(folder / "store")
        self.departures = Departures(
            self.store,
            deadline,
            folder / "hung",
            self.cluster,
            kill=self.killed.append,
            clock=lambda: self.now,
        )
        leave = SimpleNamespace(remote=lambda: self.left.append("t"))
        self.actor = SimpleNamespace(leave=leave)
        state = SimpleNamespace(ray_actor=self.actor)
        self.trial = SimpleNamespace(trial_id="t", temporary_state=state)
        self.departures.begin("t", "phase1")

    def says(self, status: str = "running", **more: Any) -> bool:
        row = {"status": status, "nodes": ["n1"], "writer": ["n1", "host", 77], **more}
        return self.departures.heard(self.trial, row)

    def looks(self, seconds: int, leaving: bool = False, trials: Sequence[Any] = ()) -> None:
        for _ in range(seconds):
            self.now += 1
            self.departures.look(trials or [self.trial], leaving)


def test_process_that_dies_on_a_living_node_is_the_phases_own_fault(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.says()
    ended = world.departures.end("t")
    assert ended.kind == "died"
    assert ended.why == "the trial's process died on node 10.0.0.1 (n1)"


def test_process_whose_node_is_gone_was_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.says()
    world.cluster.dead = {"n1"}
    assert world.departures.end("t").kind == "lost"
    assert world.departures.sentences() == [
        "a phase lost its node once and went on from its last checkpoint"
    ]


def test_process_that_dies_before_it_says_anything_is_looked_up_by_its_actor(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.cluster.dead = {"n1"}
    world.departures.died(world.trial)
    assert world.departures.end("t").kind == "lost"


def test_process_on_a_node_that_is_to_go_is_told_to_leave_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.says()
    world.looks(3)
    assert world.left == []
    world.cluster.draining = frozenset({"n1", "n9"})
    world.looks(3)
    assert world.left == ["t"] and world.killed == []
    assert world.says("left") and world.says("left")
    assert world.killed == [world.actor]
    assert world.departures.end("t").kind == "left"


def test_run_that_ends_tells_every_process_to_leave(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.looks(2, leaving=True)
    assert world.left == ["t"]


def test_hanging_phase_is_killed_and_its_stacks_are_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.says("hung", error="no progress for 2.0 min at step 7\n\nthread x:\n  line")
    assert world.killed == [world.actor]
    ended = world.departures.end("t")
    (file,) = (tmp_path / "hung").iterdir()
    assert ended.kind == "hung"
    assert world.departures.hung_on == {"phase1": ("n1",)}
    assert ended.why.splitlines()[0] == (
        "it hung: no progress for 2.0 min at step 7, in process 77 of host on node 10.0.0.1 (n1), "
        f"which was killed; where each thread stood: {file}"
    )
    assert "thread x:" in ended.why and "thread x:" in file.read_text()
    assert world.departures.sentences()[0].startswith("phase phase1: it hung")


def test_process_that_says_nothing_at_all_is_killed_after_the_deadline(tmp_path: Path) -> None:
    world = World(tmp_path, deadline=100)
    world.says()
    world.looks(140)
    assert world.killed == []
    world.looks(15)
    assert world.killed == [world.actor]
    ended = world.departures.end("t")
    assert "no sign of life for 2.5 min" in ended.why and "stacks of 77 on n1" in ended.why


def test_phase_that_waits_long_for_its_place_is_not_taken_for_silent(tmp_path: Path) -> None:
    world = World(tmp_path, deadline=100)
    world.trial.temporary_state.ray_actor = None
    world.looks(1000)
    world.trial.temporary_state.ray_actor = world.actor
    world.looks(100)
    assert world.killed == []


def test_without_a_deadline_a_silent_process_is_let_alone(tmp_path: Path) -> None:
    world = World(tmp_path, deadline=0)
    world.says()
    world.looks(2000)
    assert world.killed == []


def test_driver_that_was_stopped_itself_does_not_take_the_others_for_silent(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.says()
    world.looks(1)
    world.now += 3600
    world.looks(3)
    assert world.killed == []


def test_lease_of_a_worker_whose_node_is_gone_is_free_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    lease = world.store.lease("worker-phase1")
    lease.take()
    content = (world.store.path / "leases/worker-phase1.json").read_bytes()
    owner = owner_of(content)
    assert owner is not None
    world.says(writer=["n1", owner.host, owner.pid])
    with pytest.raises(LeaseHeld):
        world.store.lease("worker-phase1").take()
    world.cluster.dead = {"n1"}
    world.departures.end("t")
    world.store.lease("worker-phase1").take()
    assert not lease.renew()


def test_lease_of_a_worker_that_crashed_is_left_to_the_rules_of_leases(tmp_path: Path) -> None:
    world = World(tmp_path)
    lease = world.store.lease("worker-phase1")
    lease.take()
    world.says()
    world.departures.end("t")
    assert lease.held()


def test_lease_of_another_process_stays(tmp_path: Path) -> None:
    world = World(tmp_path)
    lease = world.store.lease("worker-phase1")
    lease.take()
    world.says(writer=["n1", "elsewhere", 1])
    world.cluster.dead = {"n1"}
    world.departures.end("t")
    assert lease.held()


def test_phase_may_lose_its_process_often_but_not_for_ever(tmp_path: Path) -> None:
    departures = World(tmp_path).departures
    assert [departures.may_lose("p") for _ in range(MOST_LOSSES + 1)] == [
        *[True] * MOST_LOSSES,
        False,
    ]
    assert departures.may_lose("q")


def test_failed_group_whose_worker_lost_its_node_is_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.says(nodes=["n1", "n2"])
    assert not world.departures.lost_a_node("t")
    world.cluster.dead = {"n2"}
    assert world.departures.lost_a_node("t")
    world.departures.forget("t")
    assert not world.departures.lost_a_node("t")

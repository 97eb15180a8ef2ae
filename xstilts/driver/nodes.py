"""What Ray knows of the cluster's nodes: which are to go, which are gone.

A node that is to go was *drained*: by a preemption notice (`xstilts cluster watch-spot`), by the
autoscaler, or by hand. Ray starts nothing there any more, and tells when the node goes. That is
asked from a thread, because a head that restarts answers nobody for a while.

Ray needs 15 to 50 s to be sure that a node has died. Whoever has just seen a process end there
can't wait so long to know why, and asks the node itself: where nothing listens at its raylet's
port, the node is gone.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray._private.state import state
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated.autoscaler_pb2 import DrainNodeReason
from ray.core.generated.gcs_pb2 import GcsNodeInfo
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from xstilts.driver.ray_threads import asking
from xstilts.errors import EngineError
from xstilts.workers.watchdog import stacks_file

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""A raylet that is there accepts a connection within this time."""
READ_SECONDS = 20.0


class Nodes:
    """The nodes of the cluster that this process is connected to. Nodes are named by Ray's ids."""

    def __init__(self) -> None:
        self.draining: frozenset[str] = frozenset()
        """Nodes that are to go, as last looked at."""

    @contextmanager
    def watched(self) -> Iterator[Nodes]:
        """Keeps `draining` up to date within the block."""

        def look() -> None:
            self.draining = frozenset(state.get_draining_nodes())

        with asking(look, LOOK_SECONDS, "nodes"):
            yield self

    def gone(self, node: str) -> bool:
        """Whether a node has died, or is to go."""
        if node in self.draining:
            return True
        known = {one["NodeID"]: one for one in ray.nodes()}
        if node not in known or not known[node]["Alive"]:
            return True
        return not _listens(known[node]["NodeManagerAddress"], known[node]["NodeManagerPort"])

    def name(self, node: str) -> str:
        """A node's address and the beginning of its id, for messages."""
        for one in ray.nodes():
            if one["NodeID"] == node:
                return f"{one['NodeManagerAddress']} ({node[:8]})"
        return node[:8]

    def of(self, actor: Any) -> str:
        """The node that an actor runs on, or has run on; empty where Ray does not know."""
        found = state.actor_table(actor._actor_id.hex()) if actor is not None else {}
        return str(found.get("Address", {}).get("NodeID", ""))

    def stacks(self, node: str, pid: int) -> str:
        """What a process of a node has left of its stacks (`watchdog`); empty where it has not."""
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        task = ray.remote(num_cpus=0, scheduling_strategy=there, max_retries=0)(_stacks)
        with suppress(Exception):
            return str(ray.get(task.remote(pid), timeout=READ_SECONDS))
        return ""


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _stacks(pid: int) -> str:
    with suppress(OSError):
        return stacks_file(pid).read_text(errors="replace")
    return ""


def drain(address: str, node: str | None, why: str, seconds: float) -> str:
    """Tells the cluster at `address` that a node goes in `seconds`: this machine's, where none is
    given. Returns its id. Works from any process that reaches the head.

    EngineError where the cluster does not answer or refuses, or where this machine has several
    nodes or none.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=READ_SECONDS).close()
        head = GcsClient(address=address)
        chosen = node or _own_node(head)
        at = int(1000 * (time.time() + seconds))
        preempted = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        accepted, refusal = head.drain_node(chosen, preempted, why, at)
    except (RayError, RuntimeError, ValueError, OSError) as error:
        raise EngineError(f"{address}: the cluster's head does not answer ({error})") from error
    if not accepted:
        raise EngineError(f"{address}: the head refuses to drain node {chosen}: {refusal}")
    return chosen


def _own_node(head: Any) -> str:
    """The one node of the cluster that is this machine."""
    own = ray.util.get_node_ip_address()
    every = head.get_all_node_info().values()
    alive = GcsNodeInfo.GcsNodeState.ALIVE
    found = [
        one.node_id.hex() for one in every if one.state == alive and one.node_manager_address == own
    ]
    if len(found) != 1:
        raise EngineError(
            f"the cluster has {len(found)} nodes at {own}; --node-id says which is meant"
        )
    return str(found[0])

"""What is known of nodes, on a real cluster of three on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import ray

from tests.support.machines import machines, wait_for
from xstilts.driver import nodes
from xstilts.driver.nodes import Nodes
from xstilts.errors import EngineError
from xstilts.workers.watchdog import stacks_file


def test_port_where_nobody_listens_is_known_at_once() -> None:
    began = time.monotonic()
    assert not nodes._listens("127.0.0.1", 9)
    assert time.monotonic() - began < nodes.ANSWER_SECONDS + 1


def test_stacks_that_no_process_left_are_empty() -> None:
    assert nodes._stacks(2**30) == ""


@pytest.mark.ray
def test_nodes_that_are_drained_or_killed_are_gone_before_ray_says_so(tmp_path: Path) -> None:
    slow = {"health_check_initial_delay_ms": 60_000}  # Ray itself would need a minute
    with machines(tmp_path, nodes=2, settings=slow) as made:
        drained, killed = (node.node_id for node in made.nodes)
        try:
            ray.init(address=made.cluster.address, log_to_driver=False)
            head = ray.get_runtime_context().get_node_id()
            with Nodes().watched() as known:
                assert not any(map(known.gone, (head, drained, killed)))
                assert known.gone("ab" * 28)
                stacks_file(os.getpid()).write_text("thread x")
                wait_for(lambda: known.stacks(drained, os.getpid()) == "thread x")
                stacks_file(os.getpid()).unlink()
                with pytest.raises(EngineError, match="the cluster has 3 nodes at"):
                    nodes.drain(made.cluster.address, None, "notice", 60)
                assert nodes.drain(made.cluster.address, drained, "notice", 60) == drained
                wait_for(lambda: known.gone(drained))  # it is idle: Ray ends it at once
                made.kill(made.nodes[1])
                assert known.gone(killed) and not known.gone(head)
                assert known.name(killed).endswith(f"({killed[:8]})")
        finally:
            ray.shutdown()

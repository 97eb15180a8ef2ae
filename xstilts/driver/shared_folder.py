"""Whether all nodes of a cluster reach the store of a run.

A store that is a folder must be the same folder on every node. Where it is not, the phases of a
node that has another would be written there and be lost for the sweep. So before a run hands out
phases on a cluster of several nodes, a file with a name of chance is put into the sweep's folder,
and each node is asked whether it sees it. The file is removed again. A node that joins later is not
asked; its workers refuse phases where the store does not have what every run makes first.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from xstilts.errors import InputError, StoreError
from xstilts.spec.addresses import is_address

ANSWER_SECONDS = 90.0
"""How long a node may take to answer; a slow one is not taken for one that lacks the store."""


def require_shared(folder: Path) -> None:
    """InputError where a node of the connected cluster does not see `folder` of the store, which
    names these nodes.
    """
    here = ray.get_runtime_context().get_node_id()
    others = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]
    if not others:
        return
    with _marked(folder) as mark:
        asked = {_ask(node["NodeID"], mark): str(node["NodeManagerAddress"]) for node in others}
        answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_SECONDS)
        blind = sorted(asked[one] for one in answered if not _seen(one))
    if blind:
        shown = ", ".join(blind[:5]) + (f" and {len(blind) - 5} more" if len(blind) > 5 else "")
        raise InputError(
            f"{folder}: a folder of this machine, which these nodes of the cluster do not see: "
            f"{shown}; give --store a folder that all nodes have at the same path, or an address "
            "such as s3://BUCKET/PREFIX"
        )


def require_here(store: str) -> None:
    """StoreError where this machine does not have the store that a run's driver has begun: it holds
    leases there.
    """
    if not is_address(store) and not os.path.isdir(os.path.join(store, "leases")):
        raise StoreError(
            f"{store}: this node, {socket.gethostname()}, does not see the store of the run; give "
            "--store a folder that all nodes have at the same path, or an address such as "
            "s3://BUCKET/PREFIX"
        )


@contextmanager
def _marked(folder: Path) -> Iterator[Path]:
    mark = folder / f".seen-by-all-{uuid.uuid4().hex}"
    mark.touch()
    try:
        yield mark
    finally:
        with suppress(OSError):
            mark.unlink()


def _ask(node: str, mark: Path) -> Any:
    where = NodeAffinitySchedulingStrategy(node, soft=False)
    asks = ray.remote(_sees).options(num_cpus=0, max_retries=0, scheduling_strategy=where)
    return asks.remote(str(mark))


def _sees(path: str) -> bool:
    """Runs on the node. The folder is listed first: a network file system may remember that a file
    was not there.
    """
    with suppress(OSError):
        os.listdir(os.path.dirname(path))
    return os.path.exists(path)


def _seen(answer: Any) -> bool:
    """What a node has answered; one that died meanwhile lacks nothing."""
    try:
        return bool(ray.get(answer))
    except Exception:  # the node's end, in one of Ray's many classes
        return True

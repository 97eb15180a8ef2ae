"""One function on several items, in as many processes as there are CPUs.

Reading the predictions of thousands of phases is work of one CPU, and targets have nothing to do
with each other. A child is a new Python that gets its items and gives the results by its standard
streams. (multiprocessing would import the caller's main module again, which a library must not, or
copy a process that has threads, which may hang.) What passes is pickled by this program for itself.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

_CHILD = "from xstilts.results.in_processes import serve; serve()"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def mapped(
    function: Callable[[Item], Found],
    items: Sequence[Item],
    weights: Sequence[float],
    processes: int | None = None,
) -> list[Found]:
    """`function(item)` for each item, in their order. `function` belongs to a module; `weights` say
    how long the items take, relative to each other. RuntimeError where a child fails, with what it
    said.
    """
    processes = min(processes or len(os.sched_getaffinity(0)), len(items))
    if processes < 2:
        return [function(item) for item in items]
    shares = _shared_out(weights, processes)
    with ThreadPoolExecutor(processes) as threads:
        own = threads.map(lambda share: _in_child(function, [items[i] for i in share]), shares)
        found = [
            pair
            for share, done in zip(shares, own, strict=True)
            for pair in zip(share, done, strict=True)
        ]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _shared_out(weights: Sequence[float], processes: int) -> list[list[int]]:
    """The items of each process: the heaviest first, each to the one that has least."""
    shares: list[list[int]] = [[] for _ in range(processes)]
    loads = [0.0] * processes
    for i in sorted(range(len(weights)), key=lambda i: -weights[i]):
        least = loads.index(min(loads))
        shares[least].append(i)
        loads[least] += weights[i]
    return [share for share in shares if share]


def _in_child(function: Callable[[Item], Found], items: list[Item]) -> list[Found]:
    ran = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=pickle.dumps((function, items)),
        capture_output=True,
        env={
            **os.environ,
            **dict.fromkeys(_ONE_THREAD, "1"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"a process of the report ended with {ran.returncode}: {said[-2000:]}")
    return list(pickle.loads(ran.stdout))


def serve() -> None:
    """A child: reads a function and its items, writes the results; prints nothing else."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    function, items = pickle.loads(sys.stdin.buffer.read())
    results: list[Any] = [function(item) for item in items]
    with out:
        out.write(pickle.dumps(results))

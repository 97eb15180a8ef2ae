"""What survives which failure: does each fault to a sweep on a cluster of several nodes on this
machine, and prints the table of docs/failures.md.

    python tests/benchmarks/faults.py [WORD ...]   all faults, or those with a word in their name

Ray finds a dead node within two seconds here; by default it takes 15 to 50 s, which come on top.
The numbers are steps (updates) of a training of 1,500; the bound is what followed the last partial
checkpoint, every 0.5 s.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment

use_own_environment()  # Ray reads it when it is imported
os.environ["RAY_AUTH_MODE"] = "disabled"

from tests.support import fault_cases as cases  # noqa: E402

FAULTS: dict[str, Callable[[Path], cases.Case]] = {
    "the raylet of a worker's node killed": cases.raylet_killed,
    "the same, left as a zombie": lambda folder: cases.raylet_killed(folder, reap=False),
    "a trainer stopped, its node lost, woken beside its replacement": lambda folder: (
        cases.stopped_and_replaced(folder)[0]
    ),
    "a spot machine's notice": cases.preempted,
    "head killed, restarted from disk": cases.head_restarted,
    "all machines lost, a new cluster": cases.cluster_lost,
    "driver killed": cases.driver_killed,
    "Ctrl-C": lambda folder: cases.told_to_end(folder, signal.SIGINT),
    "SIGTERM": lambda folder: cases.told_to_end(folder, signal.SIGTERM),
    "a second driver": cases.second_driver,
    "a phase hangs": lambda folder: cases.hanging(folder, "sleep"),
    "a phase hangs with Python's lock": lambda folder: cases.hanging(folder, "lock"),
    "MLflow away for the whole run": lambda folder: cases.tracking_away(folder)[0],
}
OTHERS: dict[str, tuple[Callable[[Path], cases.Case], dict[str, Any]]] = {
    "one of two Train workers killed": (cases.train_worker_killed, {"workers": 2}),
    "SIGTERM, two workers": (
        lambda folder: cases.told_to_end(folder, signal.SIGTERM, workers=2),
        {"workers": 2},
    ),
    "a phase of two workers hangs": (
        lambda folder: cases.hanging(folder, "sleep", workers=2),
        {"workers": 2},
    ),
    "out of memory": (cases.short_of_memory, {"dropout": 0.0}),
    "out of memory, two workers": (
        lambda folder: cases.short_of_memory(folder, 2),
        {"dropout": 0.0, "workers": 2},
    ),
}
"""With what their undisturbed run has otherwise."""


def same(case: cases.Case, whole: dict[str, Any]) -> str:
    """How the results compare with those of an undisturbed run."""
    if case.results == whole:
        return "equal"
    pairs = [
        (whole[slot]["loss"], case.results[slot]["loss"]) for slot in whole if "loss" in whole[slot]
    ]
    return f"losses within {max(abs(one - two) for one, two in pairs):.0e}"


def quietly(work: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """What Ray says of dying nodes goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        return work(*given, **more)


def main(*words: str) -> None:
    """Prints the table."""
    print("| fault | scores | steps repeated | at most | next step after |")
    print("|---|---|---|---|---|", flush=True)
    whole: dict[str, Any] = {}
    every = {**{name: (fault, {}) for name, fault in FAULTS.items()}, **OTHERS}
    for name, (fault, changes) in every.items():
        if words and not any(word in name for word in words):
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            key = repr(changes)
            if key not in whole:
                whole[key] = quietly(cases.undisturbed, folder / "whole", **changes)
            case = quietly(fault, folder / "hit")
        after = f"{case.seconds:.1f} s" if case.seconds else "it went on"
        row = (name, same(case, whole[key]), case.repeated, case.allowed, after)
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

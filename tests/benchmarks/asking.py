"""How long `plan` and `why` of a sweep of thousands of phases take, as a user starts them.

python tests/benchmarks/asking.py [--phases 10000] [--place /dev/shm]

Two shapes: many pairs (intermediates and targets in like numbers, two seeds), and one target with
300 intermediates and more seeds. Each is asked before anything was run, when every phase has its
record, and when a learning rate was changed since, so that `why` compares each phase with those
that have one. All hyperparameters are fixed: what a search has yet to choose is open, and costs
nothing. Wanted: under 30 s each for 10,000 phases.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment
from tests.support.stub_phases import leave
from tests.support.timed_verbs import timed
from tests.support.tiny import make_sweep, task
from xstilts.api import open_sweep, resolve
from xstilts.planning.filling import build
from xstilts.planning.needs import first_slot

FIXED = {"lr": 0.001, "steps": 12, "batch_size": 8, "max_length_tokens": 16}


def main() -> None:
    """Times both verbs on both shapes."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--phases", type=int, default=10_000)
    asked.add_argument("--place", help="folder for the stores; else that for temporary files")
    given = asked.parse_args()
    use_own_environment()
    side = math.isqrt(given.phases // 4)
    for name, shape in (
        ("many pairs", (side, side, 2)),
        ("one target", (300, 1, max(2, given.phases // 900))),
    ):
        with tempfile.TemporaryDirectory(prefix="xstilts-asking-", dir=given.place) as made:
            _asked(name, Path(made), shape)


def _asked(name: str, folder: Path, shape: tuple[int, int, int]) -> None:
    file = _sweep(folder, shape)
    phases = _timed("plan", file, f"{name}, nothing run")["phases"]
    _timed("why", file, f"{name}, nothing run")
    began = time.perf_counter()
    _finish(file)
    print(f"{phases:,} records in {time.perf_counter() - began:.0f} s")
    for state, lr in (("all run", 0.001), ("another lr", 0.002)):
        file = _sweep(folder, shape, intermediate={**FIXED, "lr": lr})
        for verb in ("plan", "why"):
            _timed(verb, file, f"{name}, {state}")


def _sweep(folder: Path, shape: tuple[int, int, int], **changes: Any) -> Path:
    """A sweep of so many intermediates, targets and seeds."""
    before, targets, seeds = shape
    names = [f"before{i}" for i in range(before)], [f"target{i}" for i in range(targets)]
    return make_sweep(
        folder,
        **{
            "intermediates": ["none", *names[0]],
            "targets": names[1],
            "tasks": {
                **{one: _task("first", i) for i, one in enumerate(names[0])},
                **{one: _task("topic", i) for i, one in enumerate(names[1])},
            },
            "seeds": [*range(1, seeds + 1)],
            "intermediate": {**FIXED},
            "target": {**FIXED},
            "search": {"trials": 1},
            **changes,
        },
    )


def _task(rows: str, number: int) -> dict[str, Any]:
    """A task over the same rows as the others, with a label of its own, which makes it another."""
    return {**task(rows), "labels": ["low", "high", f"only of {number}"]}


def _finish(file: Path) -> None:
    """A record for each phase."""
    opened = open_sweep(file)
    revisions = resolve(opened.plan, opened.context)
    ids: dict[str, str] = {}
    for slot in opened.plan.slots:
        spec = build(opened.plan, slot, {}, ids.get(first_slot(slot.needs), ""), revisions)
        ids[slot.key] = spec.id
        leave(spec, opened.store.phase(spec.id))


def _timed(verb: str, file: Path, state: str) -> Any:
    said, took = timed(verb, file)
    print(f"{verb:<6}{state:<30}{took}", flush=True)
    return said


if __name__ == "__main__":
    main()

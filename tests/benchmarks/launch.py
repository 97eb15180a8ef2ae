"""What the engine costs: 24 one-step phases through it, against the same phases in a plain loop of
one process.

    python tests/benchmarks/launch.py

Prints both times of one run, their difference for each phase (the engine starts Ray and its workers
within it), and how long the same command takes when everything is done already. Wanted: at most 0.5
s a phase beyond the loop.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment
from tests.support.tiny import make_sweep

PHASES = 24
SETTINGS = {
    "lr": {"choice": [1e-4 * (i + 1) for i in range(PHASES)]},
    "steps": 1,
    "batch_size": 8,
    "max_length_tokens": 16,
}

LOOP = """
import sys, time
from pathlib import Path
from xstilts import api
from xstilts.planning import make_plan
from xstilts.planning.filling import build
from xstilts.store.phases import Store
from xstilts.training.phase import Context, run_phase

began = time.perf_counter()
file = sys.argv[1]
sweep = api.load(file)
plan, store = make_plan(sweep), Store(sweep.store).prepare()
context = api.data_context(file, sweep, store)
revisions = api.resolve(plan, context)
for slot in [s for s in plan.slots if s.role == "trial"]:
    spec = build(plan, slot, plan.studies[slot.study].grid[slot.trial], "", revisions)
    worker = Context(store=str(store.path), mirror=sweep.mirror, base=context.base)
    run_phase(spec, worker, lambda report: True)
print(time.perf_counter() - began)
"""

ENGINE = """
import sys, time
began = time.perf_counter()
import xstilts
outcome = xstilts.run(sys.argv[1])
assert not outcome.failures, outcome.failures
print(time.perf_counter() - began)
"""


def seconds(code: str, file: Path) -> float:
    """Runs `code` in a fresh process; what it printed last, and its whole time, imports
    included.
    """
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Prints the comparison."""
    use_own_environment()
    with tempfile.TemporaryDirectory() as folder:
        changes = {
            "intermediates": ["none"],
            "seeds": [1],
            "target": SETTINGS,
            "search": {"sampler": "grid"},
        }
        loop = make_sweep(Path(folder) / "loop", **changes, resources={"slots": 2})
        engine = make_sweep(Path(folder) / "engine", **changes, resources={"slots": 2})
        plain, through = seconds(LOOP, loop), seconds(ENGINE, engine)
        again = seconds(ENGINE, engine)
    print(f"plain loop, one process:  {plain:6.1f} s for {PHASES} phases")
    print(
        f"engine, two slots:        {through:6.1f} s for the same and one evaluation; ratio "
        f"{through / plain:.2f}"
    )
    print(
        f"beyond the loop:          {(through - plain) / PHASES:6.2f} s a phase (wanted: at "
        "most 0.50)"
    )
    print(f"finished sweep again:     {again:6.1f} s (wanted: at most 3)")


if __name__ == "__main__":
    main()

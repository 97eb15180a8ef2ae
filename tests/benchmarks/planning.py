"""How long a plan of 100,000 phases takes.

python tests/benchmarks/planning.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment
from tests.support.sweeps import paper_grid
from xstilts.planning import make_plan
from xstilts.planning.counts import summary


def main() -> None:
    """Plans the paper's grid with one seed and with 572, and prints both."""
    use_own_environment()
    for seeds in (1, 572):
        sweep = paper_grid(seeds=tuple(range(seeds)))
        began = time.perf_counter()
        counted = summary(make_plan(sweep))
        took = time.perf_counter() - began
        phases, trainings = counted["phases"], counted["trainings"]["intermediate"]
        print(
            f"{seeds:4} seeds: {phases:7,} phases, {trainings:5,} intermediate trainings, "
            f"{took:.2f} s"
        )


if __name__ == "__main__":
    main()

"""How long `status`, `scores` and `report` of a large finished sweep take.

python tests/benchmarks/reading.py [--records 10000] [--examples 500] [--keep FOLDER]

Records have learning curves of 200 points and scores in 15 to 40 languages, with the predictions of
`--examples` test rows in each. Each verb runs in a process of its own, as a user starts it. Wanted:
under 30 s each for 10,000 records. Making the store takes minutes; `--keep` leaves it in a folder,
which is used again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.large_sweeps import build_large
from tests.support.own_environment import use_own_environment
from tests.support.timed_verbs import timed
from xstilts.store.phases import Store

VERBS = ("status", "scores", "report")


def main() -> None:
    """Makes the store and times the verbs."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--records", type=int, default=10_000)
    asked.add_argument("--examples", type=int, default=500)
    asked.add_argument("--keep", type=Path)
    given = asked.parse_args()
    use_own_environment()
    with tempfile.TemporaryDirectory(prefix="xstilts-reading-") as made:
        place = given.keep or Path(made)
        store = Store(place)
        if not list(store.sweeps()):
            began = time.perf_counter()
            build_large(place, given.records, examples=given.examples)
            print(f"the store was made in {time.perf_counter() - began:.0f} s")
        folder = next(store.sweeps())
        print(f"{len(store.done()):,} records, {given.examples} rows of predictions a language")
        for verb in VERBS:
            print(f"{verb:<10}{timed(verb, folder)[1]}")


if __name__ == "__main__":
    main()

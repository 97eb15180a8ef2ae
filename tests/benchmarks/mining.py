"""Mining of BUCC's size: seconds and peak memory.

    python tests/benchmarks/mining.py [--sentences 15000] [--dimensions 768] [--threads 2]

Random sentence vectors, a quarter of them translations of each other with noise, go through
`formats.mining.decode_tuned` as an evaluation calls it: one set to score and a tenth as many
development sentences. Printed are the seconds of that call, the peak of the resident memory of the
whole process (torch and datasets loaded: about 0.4 GB) and the score. Exits with 1 above 60 s or 2
GB.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.own_environment import use_own_environment  # noqa: E402


@dataclass
class Split:
    """What `decode_tuned` reads of an encoded split."""

    rows: Any
    features: Any


def split(n: int, dimensions: int, seed: int) -> tuple[list[Any], Split]:
    """`n` sentences a side: n / 4 pairs, then single ones; their vectors, a feature each."""
    import datasets
    import numpy as np

    pairs = n // 4
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(dimensions, dtype=np.float32)
    source, target = (
        rng.standard_normal((n, dimensions), dtype=np.float32) + common for _ in range(2)
    )
    target[:pairs] = source[:pairs] + rng.standard_normal((pairs, dimensions), dtype=np.float32)
    places = [(row, side) for row in range(pairs) for side in (0, 1)]
    places += [(pairs + i, 0) for i in range(n - pairs)] + [(n + i, 1) for i in range(n - pairs)]
    texts: dict[int, list[str]] = {side: [""] * (2 * n - pairs) for side in (0, 1)}
    logits: list[Any] = []
    for row, side in places:
        texts[side][row] = f"sentence {row}"
        logits.append(source[row] if side == 0 else target[row if row < pairs else row - n + pairs])
    rows = datasets.Dataset.from_dict({"source_sentence": texts[0], "target_sentence": texts[1]})
    features = datasets.Dataset.from_dict(
        {"row": [row for row, _ in places], "side": [side for _, side in places]}
    )
    return logits, Split(rows, features)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=int, default=15000)
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    use_own_environment()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)

    import torch

    from xstilts.formats import mining
    from xstilts.scoring.metrics import METRICS
    from xstilts.spec.task import Source, Task

    torch.set_num_threads(given.threads)
    task = Task(name="bucc", format="mining", source=Source(generator="none"), metric="mining_f1")
    test, dev = (
        split(n, given.dimensions, seed)
        for seed, n in enumerate((given.sentences, given.sentences // 10))
    )
    started = time.perf_counter()
    table = mining.decode_tuned(*test, *dev, task)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{given.sentences} x {given.sentences} sentences, {given.dimensions} dimensions, "
        f"{given.threads} threads"
    )
    print(f"{seconds:.1f} s, peak {peak:.2f} GB, mining_f1 {METRICS['mining_f1'].of(table):.1f}")
    return int(seconds > 60 or peak > 2)


if __name__ == "__main__":
    sys.exit(main())

"""How often the report's intervals hold the truth, and how often there is a star without an effect.

    python tests/benchmarks/significance.py [--grid small|9x9] [--sweeps 1000] [--seeds 1 2 3 4 5]

Sweeps are made up and go through the functions that the report uses: `bootstrap.resample` draws the
test examples, `bootstrap.parts` takes the uncertainty of each pair apart, `moderated.moderate`
makes intervals and p-values of all pairs together, `bootstrap.holm` corrects them in families, the
means and the languages. Printed is a row for each number of seeds and each world:

    cover       share of intervals of the pairs' means that hold the true gain (wanted: 93 to 97.5)
    lang.       the same for the intervals of single languages
    star        sweeps without any effect that have a star on some mean (wanted: at most 5)
    lang.       the same for some pair in some language
    found       share of pairs with a star on the mean where each truly gains 4 points

What is assumed. A target has 300 examples, the same ones in each of three languages (a parallel
test set), of which a system answers about 60% right; examples differ in difficulty. The *spread* is
the standard deviation of a pair's gain between seeds, in points. Half of its variance is the
baseline's training, which all pairs on the target share. A quarter is the intermediate's
checkpoint, which all targets of that seed share, and a quarter the pair's own training. Languages
share 70% of the trainings' part. Worlds:

    even        all pairs have the same spread
    targets     the spread goes from a third to three times that number over the targets
    pairs       the same over the intermediates, the baseline's share as in `even`
    failed      a quarter of all trainings has no result (15% with two seeds)

Where nothing has two seeds the intervals are over test examples alone. They are not counted, and
the row has a dash.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment

use_own_environment()

import numpy as np  # noqa: E402

from xstilts.results.bootstrap import Parts, holm, parts, quantities, resample  # noqa: E402
from xstilts.results.moderated import SEEDS, moderate  # noqa: E402

Array = np.ndarray[Any, np.dtype[Any]]

GRIDS = {"small": (3, 2), "9x9": (9, 9)}
"""Intermediates and targets."""
LANGUAGES, EXAMPLES, RESAMPLES = 3, 300, 300
RIGHT, DIFFICULTY = 0.6, 0.15
TOGETHER = 0.7
"""Share of a training's variance that languages have in common."""
EFFECT = 4.0
"""Points, where power is measured."""
MEANS_LT, LEVELS = quantities([str(i) for i in range(LANGUAGES)], np.zeros(LANGUAGES, dtype=bool))
EXAMPLES_T = (MEANS_LT > 0).sum(axis=0) * float(EXAMPLES)
KINDS = [level for level, _ in LEVELS]


@dataclass(frozen=True, kw_only=True)
class World:
    """What a row of the table is about."""

    name: str
    seeds: int
    spread: float
    targets_T: Array
    """Factor of the spread on each target."""
    intermediates_I: Array
    """Factor of the part that is not the baseline's, of each intermediate."""
    failed: float = 0.0
    """Share of trainings without a result."""


def worlds(grid: str, seeds: int) -> Iterator[World]:
    """The rows of one number of seeds."""
    intermediates, targets = GRIDS[grid]
    even = {"targets_T": np.ones(targets), "intermediates_I": np.ones(intermediates)}
    for spread in (0.0, 1.0, 3.0, 8.0):
        yield World(name="even", seeds=seeds, spread=spread, **even)
    if seeds > 1:
        factors = [np.geomspace(1 / 3, 3, number) for number in (targets, intermediates)]
        own = {**even, "targets_T": factors[0]}
        yield World(name="targets", seeds=seeds, spread=3.0, **own)
        own = {**even, "intermediates_I": factors[1]}
        yield World(name="pairs", seeds=seeds, spread=3.0, **own)
        lost = 0.15 if seeds == 2 else 0.25
        yield World(name="failed", seeds=seeds, spread=3.0, failed=lost, **even)


def sweep(
    world: World, effect: float, rng: np.random.Generator
) -> tuple[list[Parts], list[frozenset[str]]]:
    """What makes the gains of each pair of one sweep uncertain, and what the pair shares."""
    labels, seeds = len(world.intermediates_I), world.seeds
    checkpoint_IS = rng.normal(0, 0.5, (labels, seeds)) * world.intermediates_I[:, None]
    trained_IS = rng.random((labels, seeds)) >= world.failed
    found, shared = [], []
    for t, factor in enumerate(world.targets_T):
        spread = world.spread * factor
        shift_CSL = spread * np.sqrt(0.5) * _training(rng, (labels + 1, seeds))
        own = np.sqrt(0.5) * world.intermediates_I[:, None, None]
        shift_CSL[1:] = shift_CSL[1:] * own + spread * checkpoint_IS[..., None] + effect
        drawn_BCSL, observed_CSL = _scores(shift_CSL, rng)
        there_CS = rng.random((labels + 1, seeds)) >= world.failed
        for i in range(labels):
            used = there_CS[0] & there_CS[i + 1] & trained_IS[i]
            if used.any():
                observed_SL = (observed_CSL[i + 1] - observed_CSL[0])[used]
                drawn_BSL = (drawn_BCSL[:, i + 1] - drawn_BCSL[:, 0])[:, used]
                found.append(parts(observed_SL, drawn_BSL, MEANS_LT, EXAMPLES_T))
                shared.append(frozenset([f"intermediate {i}", f"target {t}"]))
    return found, shared


def _training(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """What seeds do to trainings, of variance 1, by language."""
    common, own = rng.normal(size=(*shape, 1)), rng.normal(size=(*shape, LANGUAGES))
    moved: Array = np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * own
    return moved


def _scores(shift_CSL: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Accuracies of one target under resampled examples and as observed, percent."""
    hard_N = rng.normal(0, DIFFICULTY, EXAMPLES)
    chance_CSLN = np.clip(RIGHT + hard_N + shift_CSL[..., None] / 100, 0, 1)
    right_CSLN = rng.random(chance_CSLN.shape) < chance_CSLN
    (sums,) = resample([right_CSLN.reshape(-1, EXAMPLES).T], RESAMPLES, rng)
    drawn = 100 / EXAMPLES * sums.reshape(RESAMPLES, *shift_CSL.shape)
    return drawn, 100 * right_CSLN.mean(axis=-1)


def judged(world: World, effect: float, rng: np.random.Generator) -> dict[str, float]:
    """What the report would say of one sweep: shares of intervals that hold the truth, of pairs
    with a star, and whether there is any star, of the means and of the languages.
    """
    every, shared = sweep(world, effect, rng)
    found = moderate(every, [KINDS] * len(every), shared)
    numbers = {}
    for kind in ("mean", "language"):
        at = np.tile(np.array(KINDS) == kind, len(every))
        known = at & (found.over == SEEDS)
        holds = (found.low <= effect) & (effect <= found.high)
        star = holm(found.p[at]) <= 0.05
        numbers |= {
            f"{kind} cover": float(holds[known].mean()) if known.any() else np.nan,
            f"{kind} star": float(star.any()),
            f"{kind} found": float(star.mean()) if len(star) else 0.0,
        }
    return numbers


def row(world: World, grid: str, sweeps: int) -> dict[str, float]:
    """The numbers of a row, in percent."""
    entropy = [len(world.name), world.seeds, int(10 * world.spread), GRIDS[grid][0]]
    rng = np.random.default_rng(entropy)
    none = [judged(world, 0.0, rng) for _ in range(sweeps)]
    some = [judged(world, EFFECT, rng) for _ in range(max(1, sweeps // 5))]
    return {
        **{name: _mean([one[name] for one in none]) for name in none[0]},
        "mean found": _mean([one["mean found"] for one in some]),
    }


def _mean(values: list[float]) -> float:
    there = [value for value in values if value == value]
    return 100 * float(np.mean(there)) if there else np.nan


def _text(value: float) -> str:
    return "–" if value != value else f"{value:.1f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Simulated coverage, false stars and power.")
    parser.add_argument("--grid", choices=[*GRIDS], default="small")
    parser.add_argument("--sweeps", type=int, default=1000, help="simulated sweeps a row")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    given = parser.parse_args()
    start = time.monotonic()
    print(f"{given.sweeps} sweeps a row, {' x '.join(map(str, GRIDS[given.grid]))} pairs\n")
    print("| seeds | world | spread | cover | lang. | star | lang. | found |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|", flush=True)
    for seeds in given.seeds:
        for world in worlds(given.grid, seeds):
            numbers = row(world, given.grid, given.sweeps)
            cells = ("mean cover", "language cover", "mean star", "language star", "mean found")
            print(
                f"| {seeds} | {world.name} | {world.spread:g} | "
                + " | ".join(_text(numbers[name]) for name in cells)
                + " |",
                flush=True,
            )
    print(f"\n{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()

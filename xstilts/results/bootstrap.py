"""A paired bootstrap of test examples, what makes gains uncertain, and Holm's correction: arrays
in, arrays out.

Examples and seeds are crossed (every seed answers every example), and pair and baseline answer the
same examples.

Legend: `B` resamples, `S` seeds, `L` languages, `T` quantities (languages, then means over them),
`N` examples, `K` statistics of a metric.

1. Examples: multinomial counts W_BN, metric values from the sums W @ statistics
   (`metrics.METRICS`), so no example is scored twice. Languages with the same ids (parallel test
   sets) share their counts, and so do pair and baseline.
2. In a crossed design the gain of seed s on example n is gain + A_s + B_n + (AB)_sn, and the
   variance of the mean is var(A) / S + var(B) / N + var(AB) / (S N). What varies between seeds has
   var(A) + var(AB) / N, so the observed variance between seeds, divided by S, holds the interaction
   already; so does the bootstrap variance of the mean over seeds, var(B) / N + var(AB) / (S N).
   Adding both counts it twice, which makes intervals up to 1.7 times too wide. The bootstrap
   variance of a single seed, var(B) / N + var(AB) / N, tells the two apart (`parts`).
3. `moderated.py` makes intervals and p-values of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from xstilts.scoring.metrics import Array

CHUNK_CELLS = 4_000_000
"""Counts held in memory at once; 48 MB with the random numbers behind them."""


def holm(p: Array) -> Array:
    """Holm's step-down adjustment: p_(i) becomes max over j <= i of min(1, (m - j + 1) p_(j)).

    Holm 1979, "A simple sequentially rejective multiple test procedure". NaN stands for no test: it
    does not count in m, and stays NaN.
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return adjusted


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Gains with their uncertainty; arrays of one length."""

    gain: Array
    low: Array
    high: Array
    se: Array
    df: Array
    p: Array


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What makes the gains of a pair uncertain; arrays of length T."""

    gain: Array
    """Mean over the seeds."""
    between: Array
    """Variance of one seed's gain between seeds; NaN with one seed."""
    crossed: Array
    """The part of it that is from seeds that answer the same examples differently; NaN with one
    seed.
    """
    examples: Array
    """Variance of the gain from the examples, without what is in `between` already; NaN where
    predictions can't be read.
    """
    seeds: Array
    """Number of distinct seeds."""
    n: Array
    """Number of examples."""

    def take(self, at: Any) -> Parts:
        """The quantities at these places."""
        return Parts(**{one.name: getattr(self, one.name)[at] for one in fields(self)})

    @staticmethod
    def joined(several: Sequence[Parts]) -> Parts:
        """Those of several pairs, one after the other."""
        names = [one.name for one in fields(Parts)]
        return Parts(
            **{
                name: np.concatenate([np.zeros(0), *(getattr(one, name) for one in several)])
                for name in names
            }
        )


def parts(observed_SL: Array, resampled_BSL: Array, means_LT: Array, n_T: Array) -> Parts:
    """What makes the gains of one pair uncertain.

    `observed_SL`: gain of each seed and language; `resampled_BSL`: the same under resampled
    examples; NaN for a language that could not be read. `means_LT`: weights that make each quantity
    out of languages; `n_T`: examples of each quantity.
    """
    lost_L = np.isnan(resampled_BSL).any(axis=(0, 1))
    lost_T = (means_LT[lost_L] > 0).any(axis=0)
    seeds, per_seed_ST = len(observed_SL), observed_SL @ means_LT
    resampled_BST = np.where(lost_L, 0.0, resampled_BSL) @ means_LT
    mean_T = resampled_BST.mean(axis=1).var(axis=0, ddof=1)
    between, crossed, examples = np.full_like(mean_T, np.nan), np.full_like(mean_T, np.nan), mean_T
    if seeds > 1:
        between = per_seed_ST.var(axis=0, ddof=1)
        single_T = resampled_BST.var(axis=0, ddof=1).mean(axis=0)
        crossed = np.maximum(single_T - mean_T, 0) * seeds / (seeds - 1)
        examples = np.maximum(mean_T - crossed / seeds, 0)
    return Parts(
        gain=per_seed_ST.mean(axis=0),
        between=between,
        crossed=crossed,
        examples=np.where(lost_T, np.nan, examples),
        seeds=np.full(len(n_T), float(seeds)),
        n=np.asarray(n_T, dtype=float),
    )


def satterthwaite(first: Array, first_df: Array, second: Array, second_df: Array) -> Array:
    """Degrees of freedom of the sum of two variance estimates (Satterthwaite 1946, eq. 17)."""
    under = first**2 / np.maximum(first_df, 1e-9) + second**2 / np.maximum(second_df, 1)
    total = (first + second) ** 2
    fallback = np.broadcast_to(np.maximum(second_df, 1.0), total.shape).copy()
    return np.divide(total, under, out=fallback, where=under > 0)


def resample(blocks: Sequence[Array], resamples: int, rng: np.random.Generator) -> list[Array]:
    """Sums of statistics under `resamples` multinomial draws of the examples, shared by all blocks.

    Each block is `(N, columns)`; its result is `(B, columns)`, where a column's values lie side by
    side. Counts are made and used in chunks.
    """
    n = len(blocks[0])
    stacked = np.concatenate(blocks, axis=1).astype(np.float32)
    chunk = max(1, min(resamples, CHUNK_CELLS // max(n, 1)))
    sums = np.empty((stacked.shape[1], resamples))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        cells = rng.integers(0, n, size=(rows, n), dtype=np.int64)
        cells += np.arange(rows)[:, None] * n
        counts = np.bincount(cells.ravel(), minlength=rows * n).astype(np.float32).reshape(rows, n)
        sums[:, start : start + rows] = (counts @ stacked).T
    edges = np.cumsum([block.shape[1] for block in blocks])[:-1]
    return [block.T for block in np.split(sums, edges)]


def quantities(
    languages: Sequence[str], zero_shot: Array, seen: Sequence[object] = ()
) -> tuple[Array, list[tuple[str, str]]]:
    """Weights `(L, T)` of each language in each quantity, and the quantities' (level, language).

    `seen`: for each language whether the base model was pretrained on it (True, False; anything
    else is unknown). Seen and unseen zero-shot languages have a mean each.
    """
    columns = [*np.eye(len(languages)), np.full(len(languages), 1 / len(languages))]
    names = [("language", language) for language in languages] + [("mean", "")]
    parts = {"zero_shot": zero_shot}
    if seen:
        parts |= {
            "seen": zero_shot & [s is True for s in seen],
            "unseen": zero_shot & [s is False for s in seen],
        }
    for level, part in parts.items():
        if part.any():
            columns.append(part / part.sum())
            names.append((level, ""))
    return np.stack(columns, axis=1), names

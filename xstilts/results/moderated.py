"""How far seeds move gains, learned from all comparisons of a family together. Arrays in, arrays
out.

Three seeds say little of the variance between seeds, and a test after Holm's correction needs the
far tail of its distribution: p-values of 0.0006 where there are 81 pairs. But all pairs of a sweep
are trained in the same manner, so each can learn from the others: a moderated t, after Smyth 2004,
"Linear models and empirical Bayes methods for assessing differential expression in microarray
experiments". Legend: `R` comparisons, `K` points of a grid.

1. The gain of comparison r in one seed has the variance v_r between seeds, with the estimate s2_r
   on d_r = S_r - 1 degrees of freedom. A part a_r is known well from the examples: two seeds answer
   the same examples differently (`bootstrap.Parts.crossed`). The rest is drawn from a scaled
   inverse chi-squared distribution that the family shares, of scale c on d0 degrees of freedom.
   Where seeds move some pairs much farther than others, d0 is small. The sum, v_r, is taken for
   scaled inverse chi-squared as well, of scale c + a_r; as a_r does not vary, on
   d0 (1 + a_r / c) degrees of freedom.
2. Smyth estimates c and d0. With few pairs that is not enough: pairs that happen to agree give an
   infinite d0 and far too many stars. So c and d0 are integrated over, on a grid: the logarithm of
   c + (mean a) alike, and d0 over `FREEDOMS` alike. The grid goes as far below the mean a, and
   above the mean s2, as estimates on the family's degrees of freedom go by chance; what lies below
   the mean a counts for c = 0 (nothing does for an only pair, as no other shows that seeds do
   little). The likelihood of a point is the product of the densities of s2_r given c + a_r and d0,
   which are those of F with d_r and d0 degrees of freedom.
3. Comparisons that share a training are not independent: all gains on a target share the baseline's
   training, all of an intermediate its checkpoint. Such gains correlate by about 1/2, hence their
   s2 by 1/4 (Isserlis 1918). So each counts in the likelihood with the weight 1 / (sum of squared
   correlations with all). Languages of one pair count as one, since a seed moves them together.
4. At a point of the grid v_r has the estimate (f (c + a_r) + d_r s2_r) / (f + d_r), f being the
   degrees of freedom in 1; the variance of the gain is v_r / S_r plus that of the examples, with
   degrees of freedom after Satterthwaite 1946. The p-value is the mean over the grid, and the
   interval holds the values whose p-value is above 1 less the confidence. `df`, at least 1, is of
   the t distribution whose precision has the mean and the variance of that on the grid; `se` is
   such that the interval is gain +- t_df * se.

A comparison with one seed has the variance from the others. Where no comparison of the family has
two seeds nothing is known of the variance between seeds: the interval is over the test examples
alone, and there is no p-value.

docs/significance.md has simulated coverage, false stars and power.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts.results.bootstrap import Estimate, Parts, satterthwaite
from xstilts.scoring.metrics import Array

FREEDOMS = np.array([0.5, 1, 2, 4, 8, 1e4])
"""Grid of d0."""
STEPS = 32
"""Points of the grid of c."""
REACH = 4.0
"""How far the grid reaches beyond the estimates, in standard deviations of log s2."""
LEAST_WEIGHT = 2e-4
"""Points of the grid with less are left out."""
NEWTON = 8
"""Steps to the ends of an interval."""
SEEDS, EXAMPLES = "seeds and examples", "test examples alone"
"""What an interval is over."""


@dataclass(frozen=True, kw_only=True)
class Moderated(Estimate):
    """Gains with their uncertainty, arrays of length R."""

    over: Array
    """`SEEDS` or `EXAMPLES`."""


def moderate(
    parts: Sequence[Parts],
    kinds: Sequence[Sequence[str]],
    shared: Sequence[frozenset[Hashable]],
    confidence: float = 0.95,
) -> Moderated:
    """Intervals and p-values of all quantities of all pairs, one after the other.

    `parts`: of each pair; `kinds`: the kind of each of its quantities, each kind being a family;
    `shared`: what a pair shares with others, such as the trainings it rests on.
    """
    whole = Parts.joined(parts)
    pair_R = np.repeat(np.arange(len(parts)), [len(own) for own in kinds])
    kind_R = np.array([kind for own in kinds for kind in own], dtype=object)
    found = {
        name: np.full(len(kind_R), np.nan) for name in ("gain", "low", "high", "se", "df", "p")
    }
    over = np.full(len(kind_R), EXAMPLES, dtype=object)
    for kind in dict.fromkeys(kind_R):
        at = np.flatnonzero(kind_R == kind)
        own = _family(whole.take(at), _weights(shared, pair_R[at]), confidence)
        for name, values in found.items():
            values[at] = getattr(own, name)
        over[at] = own.over
    return Moderated(**found, over=over)


def _weights(shared: Sequence[frozenset[Hashable]], pair_R: Any) -> Array:
    """How much each comparison counts in the likelihood (3)."""
    pairs, place_R, count = np.unique(pair_R, return_inverse=True, return_counts=True)
    own = [shared[pair] for pair in pairs]
    squared = np.array([[0.25 if one & other else 0.0 for other in own] for one in own])
    np.fill_diagonal(squared, 1.0)
    weights: Array = (1 / squared.sum(axis=1) / count)[place_R]
    return weights


def _family(parts: Parts, weight_R: Array, confidence: float) -> Moderated:
    """The quantities of one kind."""
    from scipy import special

    freedom_R, left_R = parts.seeds - 1.0, np.maximum(parts.n - 1.0, 1.0)
    known = ~np.isnan(parts.examples)
    informed = known & (freedom_R > 0)
    if informed.any():
        variance_KR, df_KR, weight_K = _grid(parts, weight_R, informed)
    else:
        variance_KR, df_KR, weight_K = parts.examples[None], left_R[None], np.ones(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision_KR = 1 / np.maximum(variance_KR, 1e-18)
        first_R = weight_K @ precision_KR
        second_R = weight_K @ (precision_KR**2 * (1 + 2 / df_KR))
        df = np.maximum(2 / np.maximum(second_R / first_R**2 - 1, 1e-9), 1.0)
        scale_KR, start_R = 1 / np.sqrt(precision_KR), 1 / np.sqrt(first_R)
        reach = _reach(scale_KR, df_KR, weight_K, start_R, 1 - confidence)
        p = weight_K @ (2 * special.stdtr(df_KR, -np.abs(parts.gain) / scale_KR))
    p = np.where(parts.gain == 0, 1.0, p)
    floor = np.exp2(1 - np.minimum(parts.n, 1000))  # the smallest p of a sign test of n pairs
    tested = known & (parts.n > 1) & informed.any()
    return Moderated(
        gain=parts.gain,
        low=parts.gain - reach,
        high=parts.gain + reach,
        se=reach / special.stdtrit(df, 0.5 + confidence / 2),
        df=df,
        p=np.where(tested, np.maximum(p, floor), np.nan),
        over=np.full(len(p), SEEDS if informed.any() else EXAMPLES, dtype=object),
    )


def _grid(parts: Parts, weight_R: Array, informed: Any) -> tuple[Array, Array, Array]:
    """Variance of each gain and its degrees of freedom `(K, R)` at each point of the grid, and the
    points' weights.
    """
    from scipy import special

    freedom_R = parts.seeds - 1.0
    s2_R, a_R = (np.where(freedom_R > 0, one, 0.0) for one in (parts.between, parts.crossed))
    s2, a, d, weight = (one[informed] for one in (s2_R, a_R, freedom_R, weight_R))
    top, reach = max(s2.max(), a.max(), 1e-12), REACH * np.sqrt(2 / (weight @ d))
    middle, pooled = (np.average(one, weights=weight) for one in (a, s2))
    least = max(middle, 1e-6 * top)
    below = reach if weight.sum() > 1.5 else 0.0  # an only pair, or several that are as good as one
    total = np.geomspace(least / np.exp(below), max(pooled, least) * np.exp(reach), STEPS)
    c_K, d0_K = (
        one.reshape(-1, 1)
        for one in np.meshgrid(np.maximum(total - middle, 1e-9 * top), FREEDOMS, indexing="ij")
    )
    f, prior = d0_K * (1 + a / c_K), c_K + a
    log_KR = (
        special.gammaln((d + f) / 2)
        - special.gammaln(f / 2)
        - d / 2 * np.log(f * prior)
        - (d + f) / 2 * np.log1p(d * s2 / (f * prior))
    )
    log_K = log_KR @ weight
    weight_K = np.exp(log_K - log_K.max())
    keep = weight_K > LEAST_WEIGHT * weight_K.sum()
    c_K, f_KR = c_K[keep], d0_K[keep] * (1 + a_R / c_K[keep])
    seeds_KR = (f_KR * (c_K + a_R) + freedom_R * s2_R) / (f_KR + freedom_R) / parts.seeds
    df_KR = satterthwaite(seeds_KR, f_KR + freedom_R, parts.examples, parts.n - 1)
    return seeds_KR + parts.examples, df_KR, weight_K[keep] / weight_K[keep].sum()


def _reach(scale_KR: Array, df_KR: Array, weight_K: Array, start_R: Array, level: float) -> Array:
    """The distances at which the two-sided p-value is `level`, by Newton's method for the logarithm
    of p as a function of that of the distance, which is nearly a line in the tail.
    """
    from scipy import special

    constant_KR = special.gammaln((df_KR + 1) / 2) - special.gammaln(df_KR / 2)
    constant_KR -= 0.5 * np.log(df_KR * np.pi)
    log_R = np.log(special.ndtri(1 - level / 2) * start_R)  # too near, which Newton's method likes
    for _ in range(NEWTON):
        t_KR = np.exp(log_R) / scale_KR
        p = weight_K @ (2 * special.stdtr(df_KR, -t_KR))
        density_KR = np.exp(constant_KR - (df_KR + 1) / 2 * np.log1p(t_KR**2 / df_KR))
        slope = weight_K @ (2 * density_KR * t_KR) / p
        log_R = log_R + np.clip((np.log(p) - np.log(level)) / slope, -2, 2)
    return np.exp(log_R)

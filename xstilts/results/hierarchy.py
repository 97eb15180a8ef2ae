"""Uncertainty of weighted sums of gains over pairs: seeds, languages and tasks are drawn again.
Arrays in, arrays out.

`bootstrap.py` asks how a pair's gain would differ with other test *examples*. Here the question is
about groups of pairs, and there are more sources of variance: other seeds, other *languages* (the
same ones for all pairs, since a language is hard or easy for all of them), and, on request, other
*tasks* of the same groups.

Each level is drawn again on its own, and the variances of the levels are added:

1. Seeds: multinomial counts, stretched by sqrt(S / (S-1)), as in `bootstrap.py`.
2. Languages, and tasks: the Bayesian bootstrap (Rubin 1981, "The Bayesian bootstrap"): each gets a
   weight from an exponential distribution, and means are weighted means. Counts could leave a
   target of four languages without any; weights can't. A mean of n under such weights has
   (n-1)/(n+1) of the unbiased variance of a mean (that of a Dirichlet(1, ..., 1) mean), so
   deviations are stretched by sqrt((n+1) / (n-1)).
3. Examples: the variance from each language's own examples is already in the spread between
   languages. Not in it is the variance that languages share, since a parallel test set has the same
   examples in all of them; and, where a pair has one language, all of it. That part is added: the
   variance of the sum under drawn examples, less the variances of its languages one by one.
4. Interval and p-value are those of Student's t with Satterthwaite's degrees of freedom over the
   levels: S-1 for seeds, m-1 for m tasks, N-1 for the N examples of a language, and for languages
   an effective number less one, which is small where a target of few languages carries most of the
   weight (as in Kish 1965, the design effect of unequal weights).

A level with one member has no spread: with one seed nothing is known of the variance between seeds
and nothing is added for it, which the interval's label says (`interval_over`). Where no level has
two members there is no interval.

Legend: `B` resamples (for examples possibly fewer), `C` quantities, `Q` pairs, `S` seeds, `L`
languages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xstilts.results.bootstrap import Estimate
from xstilts.scoring.metrics import Array

WITHOUT_SEEDS = "languages and test examples alone"
"""What an interval is over where there is one seed."""
ROUNDING = 1e-9
"""A spread smaller than this share of the gain counts as 0."""


def estimate(
    gains_QSL: Array,
    weights_CQ: Array,
    rng: np.random.Generator,
    *,
    tasks: Sequence[Sequence[int]] = (),
    examples_BQL: Array | None = None,
    n_Q: Array | None = None,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """Interval and p-value of each quantity, a weighted sum over pairs of their mean gains.

    `gains_QSL` is NaN where a pair lacks a seed or a language; each pair has some value. `tasks`:
    groupings of pairs whose tasks are drawn again as well, as the task's number for every pair; the
    weights must then have one sign, since weighted means are made of them. `examples_BQL`: how
    resampled test examples change each gain, averaged over seeds (a NaN makes every quantity that
    uses it NaN); `n_Q`: number of examples of a language. Without them, examples add nothing.
    """
    over_seeds_QL, over_languages_QS = (mean_of_present(gains_QSL, axis) for axis in (1, 2))
    gain_Q = mean_of_present(over_seeds_QL, 1)
    levels = [
        _languages(over_seeds_QL, weights_CQ, rng, resamples),
        _seeds(over_languages_QS, weights_CQ, rng, resamples),
    ]
    levels += [_tasks(gain_Q, weights_CQ, np.asarray(numbers), rng, resamples) for numbers in tasks]
    spread = [(deviations.var(axis=0, ddof=1), freedom) for deviations, freedom in levels]
    if examples_BQL is not None and n_Q is not None:
        spread.append(
            _examples(examples_BQL, n_Q, ~np.isnan(over_seeds_QL), weights_CQ, levels[0][1] + 1)
        )
    return _student(weights_CQ @ gain_Q, spread, confidence)


def interval_over(seeds: int) -> str:
    """What the intervals of `estimate` are over, as the report says it; empty with several
    seeds.
    """
    return WITHOUT_SEEDS if seeds == 1 else ""


def mean_of_present(values: Array, axis: int) -> Array:
    """Mean over the values that are not NaN; NaN where all are."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    total = np.where(there, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _languages(
    over_seeds_QL: Array, weights_CQ: Array, rng: np.random.Generator, resamples: int
) -> tuple[Array, Array]:
    """Deviations `(B, C)` under drawn languages, and degrees of freedom `(C,)`."""
    there_QL = (~np.isnan(over_seeds_QL)).astype(np.float64)
    n_Q = there_QL.sum(axis=1)
    drawn_BL = rng.exponential(size=(resamples, over_seeds_QL.shape[1]))
    sums_BQ = drawn_BL @ np.nan_to_num(over_seeds_QL).T
    stretch_Q = np.sqrt(np.divide(n_Q + 1, n_Q - 1, out=np.zeros_like(n_Q), where=n_Q > 1))
    deviations_BQ = (
        sums_BQ / (drawn_BL @ there_QL.T) - mean_of_present(over_seeds_QL, 1)
    ) * stretch_Q
    share_CL = ((weights_CQ / n_Q) ** 2) @ (there_QL * (n_Q > 1)[:, None])
    effective_C = np.divide(
        share_CL.sum(axis=1) ** 2,
        (share_CL**2).sum(axis=1),
        out=np.ones(len(share_CL)),
        where=share_CL.any(axis=1),
    )
    return deviations_BQ @ weights_CQ.T, effective_C - 1


def _seeds(
    over_languages_QS: Array, weights_CQ: Array, rng: np.random.Generator, resamples: int
) -> tuple[Array, Array]:
    """The same under drawn seeds; a missing seed of a pair is replaced by the pair's mean."""
    seeds = over_languages_QS.shape[1]
    filled_QS = np.where(
        np.isnan(over_languages_QS),
        mean_of_present(over_languages_QS, 1)[:, None],
        over_languages_QS,
    )
    counts_BS = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    stretch = np.sqrt(seeds / (seeds - 1)) if seeds > 1 else 0.0
    return stretch * (counts_BS - 1 / seeds) @ (weights_CQ @ filled_QS).T, np.full(
        len(weights_CQ), seeds - 1.0
    )


def _tasks(
    gain_Q: Array, weights_CQ: Array, number_Q: Array, rng: np.random.Generator, resamples: int
) -> tuple[Array, Array]:
    """The same under drawn tasks."""
    drawn_BQ = rng.exponential(size=(resamples, number_Q.max() + 1))[:, number_Q]
    means_BC = (drawn_BQ * gain_Q) @ weights_CQ.T / (drawn_BQ @ weights_CQ.T)
    members_C = np.array([len(set(number_Q[row != 0])) for row in weights_CQ], dtype=np.float64)
    stretch_C = np.sqrt(
        np.divide(members_C + 1, members_C - 1, out=np.zeros_like(members_C), where=members_C > 1)
    )
    return (means_BC * weights_CQ.sum(axis=1) - weights_CQ @ gain_Q) * stretch_C, members_C - 1


def _examples(
    examples_BQL: Array, n_Q: Array, there_QL: Array, weights_CQ: Array, languages_C: Array
) -> tuple[Array, Array]:
    """Variance `(C,)` from drawn examples that languages share, or that a pair's only language has;
    and its degrees of freedom.

    With m languages of covariance c, the mean has c more variance than the spread between languages
    shows; the variance of the sum less those of the languages one by one has (m-1)/m of c.
    `languages_C`: m, an effective number.
    """
    drawn_BQL = np.where(there_QL, examples_BQL, 0)
    lost_Q = np.isnan(drawn_BQL).any(axis=(0, 2))
    drawn_BQL[:, lost_Q] = 0
    count_Q = there_QL.sum(axis=1)
    share_CQ = weights_CQ / count_Q
    whole_C = (drawn_BQL.sum(axis=2) @ share_CQ.T).var(axis=0, ddof=1)
    apart_CQ = share_CQ * (count_Q > 1)
    apart_C = sum(
        (drawn_BQL[:, :, i] @ apart_CQ.T).var(axis=0, ddof=1) for i in range(drawn_BQL.shape[2])
    )
    used_CQ = weights_CQ != 0
    stretch_C = np.divide(
        languages_C, languages_C - 1, out=np.ones_like(languages_C), where=languages_C > 1.5
    )
    together_C = np.maximum(whole_C - apart_C, 0.0) * stretch_C
    variance_C = np.where(used_CQ[:, lost_Q].any(axis=1), np.nan, together_C)
    return variance_C, np.array([n_Q[used].min(initial=np.inf) - 1.0 for used in used_CQ])


def _student(gain_C: Array, levels: Sequence[tuple[Array, Array]], confidence: float) -> Estimate:
    """Estimates from the levels' variances and degrees of freedom."""
    from scipy import stats

    variances = np.stack([variance for variance, _ in levels])
    variances[np.sqrt(variances) < ROUNDING * (1 + np.abs(gain_C))] = 0.0
    freedom = np.stack([degrees for _, degrees in levels])
    under = np.divide(variances**2, freedom, out=np.zeros_like(variances), where=freedom > 0).sum(
        axis=0
    )
    known = under > 0
    df = np.divide(variances.sum(axis=0) ** 2, under, out=np.full(len(gain_C), np.nan), where=known)
    se = np.where(known, np.sqrt(variances.sum(axis=0)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = stats.t.ppf(0.5 + confidence / 2, df) * se
        p = 2 * stats.t.sf(np.abs(gain_C) / se, df)
    return Estimate(gain=gain_C, low=gain_C - reach, high=gain_C + reach, se=se, df=df, p=p)


def interaction_weights(
    first_Q: Array, second_Q: Array, row_Q: Array, column_Q: Array
) -> Array | None:
    """Weights of the interaction of two splits of pairs, by least squares; None where the pairs do
    not determine it.

    `first_Q` says whether a pair's intermediate is of group A (else B), `second_Q` whether its
    target is of C (else D); `row_Q` and `column_Q` number intermediates and targets. The model is
        gain = (effect of the intermediate) + (effect of the target) + theta * s * t
    with s, t = +1/2 or -1/2, and theta = (A,C) - (A,D) - (B,C) + (B,D). Where no pair is missing
    theta is that of the four cell means; where pairs are missing, no task's own effect leaks into
    it. Weights after Frisch and Waugh (1933): the residual of s * t after the other effects are
    removed, divided by its product with s * t.
    """
    product_Q = (first_Q - 0.5) * (second_Q - 0.5)
    effects = np.concatenate([_one_hot(row_Q), _one_hot(column_Q)], axis=1)
    left_Q = product_Q - effects @ np.linalg.lstsq(effects, product_Q, rcond=None)[0]
    scale = float(left_Q @ product_Q)
    weights: Array = left_Q / scale if scale > 1e-9 else left_Q
    return weights if scale > 1e-9 else None


def _one_hot(numbers: Array) -> Array:
    return (np.asarray(numbers)[:, None] == np.unique(numbers)[None, :]).astype(np.float64)

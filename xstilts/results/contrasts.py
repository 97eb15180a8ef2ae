"""Contrasts between groups: does it matter what an intermediate teaches?

    all      (A,C) - (A,D) - (B,C) + (B,D) for groups A, B of intermediates and C, D of targets (by
             what they test, or the benchmark's structured part against the others): how much more
             A does for C than for D, beyond what B does
    matched  the same, and the plain difference A - B, over pairs of one intermediate of A and one
             of B with the same format, size class and kind of data, so that none of these can
             explain the difference

Seeds, languages and test examples are drawn again; the tasks are fixed. Pairs whose intermediate
trained on the target's own training data are left out, and each contrast has its value with them
beside it. Holm's correction takes all contrasts that are shown for a model as one family.

With one seed nothing is known of the variance between seeds: a contrast has an interval without it
and no p-value. A contrast speaks of these tasks: with two or three tasks in a group, the p-value
does not say whether another syntactic task would do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from xstilts.results.bootstrap import holm
from xstilts.results.cube import Cube
from xstilts.results.hierarchy import estimate, interaction_weights, interval_over, mean_of_present
from xstilts.results.kinds import MIXTURE, OTHER

Array = np.ndarray[Any, np.dtype[Any]]

CONTRASTED = ("syntactic", "semantic", "mixed")
"""Kinds between which contrasts are shown."""
STRUCTURED, REST = "structured", "all other"
"""The part of a benchmark that asks for form, and its other parts."""
Weigh = Callable[[Array], Array | None]
"""Takes the places of the pairs that may be used, gives the weights of all pairs; None where those
pairs do not determine the contrast.
"""


def matches(
    taught: Mapping[str, str],
    formats: Mapping[str, str],
    sizes: Mapping[str, str],
    data: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Pairs of intermediates that teach different things, but have the same format, size class and
    kind of data.
    """
    for a, b in combinations(taught, 2):
        alike = (
            formats[a] == formats[b]
            and sizes[a] == sizes[b]
            and data[a] == data[b]
            and sizes[a] != OTHER
            and MIXTURE not in (formats[a], sizes[a], data[a])
        )
        if alike and taught[a] != taught[b] and {taught[a], taught[b]} <= {*CONTRASTED}:
            yield a, b


def contrasts(
    whole: Cube,
    keep: Array,
    taught: Mapping[str, str],
    tested: Mapping[str, str],
    parts: Mapping[str, str],
    matched: Sequence[tuple[str, str]],
    *,
    rng: np.random.Generator,
    resamples: int,
) -> list[dict[str, Any]]:
    """The contrasts of one model that its pairs determine.

    `keep`: places of the pairs that are used; `taught` by intermediate; `tested` and `parts` (of
    the benchmark) by target; `matched` as from `matches`.
    """
    every = [
        _contrast(whole, keep, weigh, names, rng, resamples)
        for names, weigh in _planned(whole, taught, tested, parts, matched)
    ]
    shown = [one for one in every if one is not None]
    for one, p in zip(shown, holm(np.array([one["p"] for one in shown], dtype=float)), strict=True):
        one["p_holm"] = float(p)
    return shown


def _planned(
    whole: Cube,
    taught: Mapping[str, str],
    tested: Mapping[str, str],
    parts: Mapping[str, str],
    matched: Sequence[tuple[str, str]],
) -> Iterator[tuple[dict[str, str], Weigh]]:
    """The names of each contrast that is shown, and how its pairs are weighted."""
    kinds, tests = (
        [kind for kind in CONTRASTED if kind in way.values()] for way in (taught, tested)
    )
    halves = {name: part if part == STRUCTURED else REST for name, part in parts.items()}
    sides = [(over, under, tested) for over, under in combinations(tests, 2)]
    sides += [(STRUCTURED, REST, halves)] if len({*halves.values()}) > 1 else []
    for first, second in combinations(kinds, 2):
        both = [
            (a, b) if taught[a] == first else (b, a)
            for a, b in matched
            if {taught[a], taught[b]} == {first, second}
        ]
        for over, under, way in sides:
            names = {"kind": "all", "first": first, "second": second, "over": over, "under": under}
            yield names, _interaction(whole, taught, way, names)
        for over in tests if both else ():
            names = {"kind": "matched", "first": first, "second": second, "over": over, "under": ""}
            yield names, _difference(whole, tested, both, {over: 1.0})
        for over, under, way in sides if both else ():
            names = {
                "kind": "matched",
                "first": first,
                "second": second,
                "over": over,
                "under": under,
            }
            yield names, _difference(whole, way, both, {over: 1.0, under: -1.0})


def _interaction(
    whole: Cube, taught: Mapping[str, str], tested: Mapping[str, str], names: Mapping[str, str]
) -> Weigh:
    def weigh(keep: Array) -> Array | None:
        used = [
            q
            for q in keep
            if taught[whole.pairs[q][0]] in (names["first"], names["second"])
            and tested[whole.pairs[q][1]] in (names["over"], names["under"])
        ]
        if not used:
            return None
        lines = [np.array([whole.pairs[q][side] for q in used]) for side in (0, 1)]
        first = np.array([taught[label] == names["first"] for label in lines[0]], dtype=float)
        over = np.array([tested[label] == names["over"] for label in lines[1]], dtype=float)
        found = interaction_weights(first, over, lines[0], lines[1])
        return None if found is None else _spread(found, used, len(whole.pairs))

    return weigh


def _difference(
    whole: Cube,
    tested: Mapping[str, str],
    both: Sequence[tuple[str, str]],
    signs: Mapping[str, float],
) -> Weigh:
    """The first intermediate's gain less the second's, averaged over matched intermediates and over
    targets; `signs`: kind of target to +1 or -1.
    """

    def weigh(keep: Array) -> Array | None:
        place = {whole.pairs[q]: q for q in keep}
        weights = np.zeros(len(whole.pairs))
        for kind, sign in signs.items():
            there = [
                (place[a, t], place[b, t])
                for a, b in both
                for t in tested
                if tested[t] == kind and (a, t) in place and (b, t) in place
            ]
            if not there:
                return None
            for first, second in there:
                weights[first] += sign / len(there)
                weights[second] -= sign / len(there)
        return weights

    return weigh


def _spread(values: Array, places: Sequence[int], length: int) -> Array:
    weights = np.zeros(length)
    weights[list(places)] = values
    return weights


def _contrast(
    whole: Cube,
    keep: Array,
    weigh: Weigh,
    names: Mapping[str, str],
    rng: np.random.Generator,
    resamples: int,
) -> dict[str, Any] | None:
    """One contrast with its interval; None where the pairs do not determine it."""
    weights = weigh(keep)
    if weights is None:
        return None
    found = estimate(
        whole.gains_QSL,
        weights[None],
        rng,
        examples_BQL=whole.examples_BQL,
        n_Q=whole.n_Q,
        resamples=resamples,
    )
    p = float(found.p[0]) if whole.seeds > 1 else np.nan
    everything = weigh(np.arange(len(whole.pairs)))
    same = (
        whole.same_data_Q.any()
        and everything is not None
        and (everything[whole.same_data_Q] != 0).any()
    )
    values = mean_of_present(mean_of_present(whole.gains_QSL, 1), 1)
    used = np.flatnonzero(weights)
    return {
        **names,
        **{key: float(getattr(found, key)[0]) for key in ("gain", "low", "high", "df")},
        "interval_over": interval_over(whole.seeds),
        "p": p,
        "p_holm": np.nan,
        "with_same": float(everything @ values) if same and everything is not None else None,
        "pairs": len(used),
        "languages": int(np.sum(~np.isnan(whole.gains_QSL[used]).all(axis=(0, 1)))),
        "seeds": whole.seeds,
    }

"""Groups: do syntactic intermediates help syntactic targets, and semantic ones semantic targets?

An intermediate's groups are what it teaches, its format, its size class and its data; a target's
are what it tests, and its part of the benchmark (`kinds.py`).

    means      the gain of each group of intermediates on each group of targets: the unweighted mean
               over pairs; its interval draws seeds, languages, test examples and the tasks of both
               groups again
    contrasts  (A,C) - (A,D) - (B,C) + (B,D) for groups A, B of intermediates and C, D of targets
               (by what they test, and the benchmark's structured part against the others): what A
               does for C over D beyond what B does; seeds, languages and test examples are drawn
               again, the tasks are these ones
    matched    the same, and the plain difference A - B, over pairs of one intermediate of A and one
               of B that have the same format, size class and kind of data, so that none of these
               can stand for what is taught

Pairs whose intermediate trained on the target's own training data are left out of all of this,
since their gain is more training on the same rows; each contrast has its value with them beside it.
Holm's correction takes all contrasts that are shown for a model as one family. `hierarchy.py` has
the statistics.

With one seed nothing is known of seeds, and contrasts have an interval without them and no p-value.
A contrast speaks of these tasks. With two or three tasks in a group, whether another syntactic task
would do the same is not known, and the p-value does not say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.benchmarks import Benchmark
from xstilts.results.bootstrap import holm
from xstilts.results.compared import Examples
from xstilts.results.cube import Cube, cube, places_of
from xstilts.results.hierarchy import estimate, interaction_weights, mean_of_present
from xstilts.results.kinds import MIXTURE, OTHER, data_kind, of_intermediate, size_class, teaches
from xstilts.results.statistics import RESAMPLES
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]

CONTRASTED = ("syntactic", "semantic", "mixed")
"""Kinds between which contrasts are shown."""
STRUCTURED, REST = "structured", "all other"
"""The part of a benchmark that asks for form, and its other parts."""
WAYS: Mapping[str, Callable[[Task], str]] = {
    "what is taught": teaches,
    "format": lambda task: task.format,
    "size": size_class,
    "data": data_kind,
}
"""Ways to group intermediates."""


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What the group section of a model shows."""

    model: str
    tables: tuple[dict[str, Any], ...]
    """`title`, `across` (what the columns are), `rows`, `columns`, `members`, `cells` by (row,
    column), `limit`.
    """
    contrasts: tuple[dict[str, Any], ...]
    """`kind` (all, matched), `first`, `second` (groups of intermediates), `over`, `under` (of
    targets; `under` is empty for a plain difference), `gain`, `low`, `high`, `p`, `p_holm`,
    `with_same` and `pairs`.
    """
    matched: tuple[tuple[str, str, str], ...]
    """(intermediate, intermediate, their format, size and data)."""
    left_out: tuple[tuple[str, str], ...]
    """Pairs on the target's own training data."""
    seeds: int


def groups(
    model: str,
    table: pd.DataFrame,
    sweep: Sweep,
    benchmark: Benchmark,
    *,
    examples: Mapping[str, Examples] | None = None,
    resamples: int = RESAMPLES,
) -> Groups | None:
    """The group analysis of one model; None where its intermediates are all of one group in every
    way.

    `examples` by target, out of `statistics.compare`.
    """
    whole = cube(table[table["model"] == model], examples)
    labels = list(dict.fromkeys(label for label, _ in whole.pairs))
    ways = {
        name: {label: of_intermediate(sweep, label, way) for label in labels}
        for name, way in WAYS.items()
    }
    differing = {name: way for name, way in ways.items() if len({*way.values()}) > 1}
    if not differing:
        return None
    targets = list(dict.fromkeys(target for _, target in whole.pairs))
    tested = {name: teaches(sweep.task(name)) for name in targets}
    parts = {name: part.group if (part := benchmark.part(name)) else OTHER for name in targets}
    keep = np.flatnonzero(~whole.same_data_Q)
    rng = resampling_stream(model, len(whole.pairs))
    tables = [
        _table(whole, keep, name, way, across, columns, rng, resamples)
        for name, way in differing.items()
        for across, columns in (("what is tested", tested), ("part of the benchmark", parts))
        if len({*columns.values()}) > 1 or across == "what is tested"
    ]
    matched = list(matches(ways["what is taught"], ways["format"], ways["size"], ways["data"]))
    found = [
        _contrast(whole, keep, weigh, names, rng, resamples)
        for names, weigh in _planned(whole, ways["what is taught"], tested, parts, matched)
    ]
    shown = [one for one in found if one is not None]
    for one, p in zip(shown, holm(np.array([one["p"] for one in shown], dtype=float)), strict=True):
        one["p_holm"] = float(p)
    return Groups(
        model=model,
        tables=tuple(tables),
        contrasts=tuple(shown),
        seeds=whole.seeds,
        matched=tuple(
            (a, b, ", ".join(ways[way][a] for way in ("format", "size", "data")))
            for a, b in matched
        ),
        left_out=tuple(
            pair for pair, same in zip(whole.pairs, whole.same_data_Q, strict=True) if same
        ),
    )


def matches(
    taught: Mapping[str, str],
    formats: Mapping[str, str],
    sizes: Mapping[str, str],
    data: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Pairs of intermediates of different groups, but of the same format, size class and kind of
    data.
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


def _table(
    whole: Cube,
    keep: Array,
    title: str,
    way: Mapping[str, str],
    across: str,
    columns: Mapping[str, str],
    rng: np.random.Generator,
    resamples: int,
) -> dict[str, Any]:
    """Mean gains of one way to group intermediates by one way to group targets."""
    rows, heads = (list(dict.fromkeys(order.values())) for order in (way, columns))
    names = [(row, head) for row in rows for head in heads]
    chosen = [
        [q for q in keep if (way[whole.pairs[q][0]], columns[whole.pairs[q][1]]) == name]
        for name in names
    ]
    there = [(name, places) for name, places in zip(names, chosen, strict=True) if places]
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    if there:
        weights = np.zeros((len(there), len(whole.pairs)))
        for line, (_, places) in zip(weights, there, strict=True):
            line[places] = 1 / len(places)
        order = [places_of(list(dict.fromkeys(side))) for side in zip(*whole.pairs, strict=True)]
        tasks = [[order[side][pair[side]] for pair in whole.pairs] for side in (0, 1)]
        found = estimate(
            whole.gains_QSL,
            weights,
            rng,
            tasks=tasks,
            examples_BQL=whole.examples_BQL,
            n_Q=whole.n_Q,
            resamples=resamples,
        )
        for c, (name, places) in enumerate(there):
            numbers = {key: float(getattr(found, key)[c]) for key in ("gain", "low", "high")}
            members = [len({whole.pairs[q][side] for q in places}) for side in (0, 1)]
            cells[name] = {
                **numbers,
                "pairs": len(places),
                "intermediates": members[0],
                "targets": members[1],
            }
    limit = max([1.0, *(abs(cell["gain"]) for cell in cells.values())])
    members_of = {row: [label for label in way if way[label] == row] for row in rows}
    targets_of = {head: [name for name in columns if columns[name] == head] for head in heads}
    return {
        "title": title,
        "across": across,
        "rows": rows,
        "columns": heads,
        "cells": cells,
        "limit": limit,
        "members": members_of,
        "targets": targets_of,
    }


Weigh = Callable[[Array], Array | None]
"""Places of the pairs that may be used to weights of them all; None where they can't tell."""


def _planned(
    whole: Cube,
    taught: Mapping[str, str],
    tested: Mapping[str, str],
    parts: Mapping[str, str],
    matched: Sequence[tuple[str, str]],
) -> Iterator[tuple[dict[str, str], Weigh]]:
    """The contrasts to be shown, by name, with how each is weighed."""
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
    """Mean over matched pairs and targets of the first one's gain less the second's; targets by
    their sign.
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
            for one, other in there:
                weights[one] += sign / len(there)
                weights[other] -= sign / len(there)
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
    """One contrast with its interval; None where the pairs can't tell."""
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
        "p": p,
        "p_holm": np.nan,
        "with_same": float(everything @ values) if same and everything is not None else None,
        "pairs": len(used),
        "languages": int(np.sum(~np.isnan(whole.gains_QSL[used]).all(axis=(0, 1)))),
        "seeds": whole.seeds,
    }

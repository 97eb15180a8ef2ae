"""Groups: do syntactic intermediates help syntactic targets, and semantic ones semantic targets?

An intermediate is grouped by what it teaches, its format, its size class and its kind of data; a
target by what it tests and its part of the benchmark (`kinds.py`). The tables here have the mean
gain of each group of intermediates on each group of targets: the unweighted mean over pairs, with
an interval that draws seeds, languages, test examples and the tasks of both groups again.
`contrasts.py` asks whether groups differ, `hierarchy.py` has the statistics.

Pairs whose intermediate trained on the target's own training data are left out, since part of their
gain is more training on the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.benchmarks import Benchmark
from xstilts.results.compared import Examples
from xstilts.results.contrasts import contrasts, matches
from xstilts.results.cube import Cube, cube, places_of
from xstilts.results.hierarchy import estimate, interval_over
from xstilts.results.kinds import OTHER, data_kind, of_intermediate, size_class, teaches
from xstilts.results.statistics import RESAMPLES
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]

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
    """Each with `title`, `across` (what the columns are), `rows`, `columns`, `members`, `targets`,
    `cells` by (row, column), `limit`.
    """
    contrasts: tuple[dict[str, Any], ...]
    """Each with `kind` (all, matched), `first`, `second` (groups of intermediates), `over`, `under`
    (of targets; `under` is empty for a plain difference), `gain`, `low`, `high`, `p`, `p_holm`,
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
    """The group analysis of one model; None where its intermediates do not differ in any way.

    `examples` by target, from `statistics.compare`.
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
    shown = contrasts(
        whole, keep, ways["what is taught"], tested, parts, matched, rng=rng, resamples=resamples
    )
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
    of_cell = {
        (row, head): [q for q in keep if _is_in(whole.pairs[q], way, row, columns, head)]
        for row in rows
        for head in heads
    }
    filled = {name: places for name, places in of_cell.items() if places}
    cells = _cells(whole, filled, rng, resamples) if filled else {}
    return {
        "title": title,
        "across": across,
        "rows": rows,
        "columns": heads,
        "cells": cells,
        "limit": max([1.0, *(abs(cell["gain"]) for cell in cells.values())]),
        "members": {row: [label for label in way if way[label] == row] for row in rows},
        "targets": {head: [name for name in columns if columns[name] == head] for head in heads},
    }


def _is_in(
    pair: tuple[str, str], way: Mapping[str, str], row: str, columns: Mapping[str, str], head: str
) -> bool:
    """Whether a pair's intermediate is in the group `row` and its target in the group `head`."""
    return (way[pair[0]], columns[pair[1]]) == (row, head)


def _cells(
    whole: Cube,
    filled: Mapping[tuple[str, str], Sequence[int]],
    rng: np.random.Generator,
    resamples: int,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The mean gain of each cell's pairs, with its interval and how much it is a mean of."""
    weights = np.zeros((len(filled), len(whole.pairs)))
    for line, places in zip(weights, filled.values(), strict=True):
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
    return {
        name: {
            **{key: float(getattr(found, key)[c]) for key in ("gain", "low", "high")},
            "interval_over": interval_over(whole.seeds),
            "pairs": len(places),
            "intermediates": len({whole.pairs[q][0] for q in places}),
            "targets": len({whole.pairs[q][1] for q in places}),
        }
        for c, (name, places) in enumerate(filled.items())
    }

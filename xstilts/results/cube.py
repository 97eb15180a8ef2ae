"""All gains of a model as one array, pair x seed x language, and how resampled test examples would
change them.

Groups and seen languages are about weighted sums over pairs; this array is what they sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.compared import Examples
from xstilts.spec.languages import same
from xstilts.spec.sweep import BASELINE

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class Cube:
    """All gains of a model."""

    pairs: tuple[tuple[str, str], ...]
    """(intermediate, target)."""
    gains_QSL: Array
    """NaN where a pair lacks a seed or a language."""
    same_data_Q: Array
    """Whether the intermediate trained on the target's own training data."""
    languages: tuple[str, ...]
    seeds: int
    examples_BQL: Array | None
    """How resampled test examples change each gain, averaged over seeds; NaN where unknown."""
    n_Q: Array | None
    """Number of examples in the language that has the fewest."""


def cube(table: pd.DataFrame, examples: Mapping[str, Examples] | None = None) -> Cube:
    """The gains of one model, from its scores table: primary metrics, pairs that have a baseline.

    A language that targets call by different names (`zh`, `zh-CN`) is one, by the first of them;
    where one target has both, each name is a language of its own. `examples` by target; without
    them intervals leave out the variance from test examples.
    """
    rows = table[table["primary"] & table["gain"].notna() & (table["intermediate"] != BASELINE)]
    name_of = _names(rows)
    rows = rows.assign(language=rows["language"].map(name_of))
    pairs = _pairs(rows)
    seeds, languages = sorted(set(rows["seed"].unique())), rows["language"].unique().tolist()
    gains = np.full((len(pairs), len(seeds), len(languages)), np.nan)
    both = zip(rows["intermediate"].tolist(), rows["target"].tolist(), strict=True)
    places = tuple(
        np.array([order[key] for key in keys], dtype=np.int64)
        for order, keys in (
            (places_of(pairs), both),
            (places_of(seeds), rows["seed"].tolist()),
            (places_of(languages), rows["language"].tolist()),
        )
    )
    gains[places] = rows["gain"].to_numpy(dtype=float)
    same = {*_pairs(rows[rows["same_data"]])}
    return Cube(
        pairs=tuple(pairs),
        gains_QSL=gains,
        same_data_Q=np.array([pair in same for pair in pairs], dtype=bool),
        languages=tuple(languages),
        seeds=len(seeds),
        examples_BQL=None if examples is None else _examples(pairs, languages, examples, name_of),
        n_Q=None
        if examples is None
        else np.array([examples[target].n for _, target in pairs], dtype=float),
    )


def _examples(
    pairs: Sequence[tuple[str, str]],
    languages: Sequence[str],
    examples: Mapping[str, Examples],
    name_of: Mapping[str, str],
) -> Array:
    """The deviations of all targets in one array `(B, Q, L)`."""
    resamples = max((len(one.drawn_BIL) for one in examples.values()), default=2)
    found = np.full((resamples, len(pairs), len(languages)), np.nan, dtype=np.float32)
    place = places_of(languages)
    for q, (label, target) in enumerate(pairs):
        one = examples[target]
        of = [i for i, language in enumerate(one.languages) if name_of.get(language) in place]
        found[:, q, [place[name_of[one.languages[i]]] for i in of]] = one.drawn_BIL[
            :, one.labels.index(label), of
        ]
    return found


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Intermediate and target of the rows, each pair once."""
    once = rows[["intermediate", "target"]].drop_duplicates()
    return list(zip(once["intermediate"].tolist(), once["target"].tolist(), strict=True))


def _names(rows: pd.DataFrame) -> dict[str, str]:
    """Word to the word of the same language that stands for it."""
    groups: list[list[str]] = []
    together = [{*own.unique()} for _, own in rows.groupby("target")["language"]]
    for word in rows["language"].unique():
        for group in groups:
            apart = any(word in own and own & {*group} for own in together)
            if same(group[0], word) and not apart:
                group.append(word)
                break
        else:
            groups.append([word])
    return {word: group[0] for group in groups for word in group}


def places_of(items: Sequence[Any]) -> dict[Any, int]:
    """Item to its place."""
    return {item: i for i, item in enumerate(items)}

"""Metric values of one target under resampled test examples, from the stored predictions.

Predictions carry the statistics of each example, so a resample is a sum and no example is scored
twice. The predictions of all systems are aligned by example id first: the systems are compared on
the same examples. Legend as in `bootstrap.py`; `P` phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.errors import CorruptError, StoreError
from xstilts.results.bootstrap import resample
from xstilts.results.unreadable import plain
from xstilts.scoring.metrics import METRICS, Array
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import BASELINE
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.01
"""Percent points by which a score may differ from the score that its predictions give."""
PROPOSED = ("mining_f1", "mining_best_f1")
"""Metrics over what a system proposes. A row that a system did not propose counts nothing for it,
so the examples that are drawn are the true pairs and all pairs that any system proposed.
"""


class Predictions:
    """The predictions of one target: of all its phases, in all its languages."""

    def __init__(
        self, group: pd.DataFrame, store: Store, entropy: Sequence[str | int], problems: list[str]
    ) -> None:
        """`group`: the target's rows of the scores table; `entropy`: what the draws depend on
        besides the ids. What can't be read is added to `problems`.
        """
        self.group, self.store, self.entropy, self.problems = group, store, entropy, problems
        self.metric = METRICS[group["metric"].iloc[0]]
        self.languages = list(dict.fromkeys(group["language"]))
        self.phases = list(dict.fromkeys(group["phase"]))
        self._place = {phase: place for place, phase in enumerate(self.phases)}
        self._ids: tuple[Any, list[str], Any] | None = None
        """The ids read last, as they were stored, then sorted and told apart, and their order."""

    def resampled(self, resamples: int) -> Array:
        """Metric values `(B, P, L)` under resampled examples; NaN where predictions can't be
        read. Languages with the same ids share their draws.
        """
        values_PLB = np.full((len(self.phases), len(self.languages), resamples), np.nan)
        by_ids: dict[str, list[tuple[int, dict[int, Array]]]] = {}
        for column, language in enumerate(self.languages):
            ids, tables = self._tables(language)
            by_ids.setdefault("\n".join(ids), []).append((column, tables))
        for key, members in by_ids.items():
            blocks = [
                (column, p, block) for column, tables in members for p, block in tables.items()
            ]
            if not blocks or not len(blocks[0][2]):
                continue
            rng = resampling_stream(*self.entropy, key)
            n = np.full(resamples, float(len(blocks[0][2])))
            sums = resample([block for _, _, block in blocks], resamples, rng)
            for (column, p, _), sums_BK in zip(blocks, sums, strict=True):
                values_PLB[p, column] = self.metric.value(sums_BK, n)
        return np.ascontiguousarray(values_PLB.transpose(2, 0, 1))

    def _tables(self, language: str) -> tuple[list[str], dict[int, Array]]:
        """Ids of a language's examples, and the statistics `(N, K)` of each phase, by its place in
        `phases`. The baseline's ids count: it is read first.
        """
        read: dict[int, tuple[list[str], Array]] = {}
        rows = self.group[self.group["language"] == language]
        rows = rows.assign(later=rows["intermediate"] != BASELINE)
        rows = rows.sort_values("later", kind="stable").drop_duplicates("phase")
        first: list[str] | None = None
        for n, (phase, value) in enumerate(
            zip(rows["phase"].tolist(), rows["value"].tolist(), strict=True)
        ):
            try:
                ids, block = self._statistics(phase, language, value)
                first = ids if first is None else first
                if ids != first and self.metric.name not in PROPOSED:
                    raise CorruptError(
                        "its examples are not those of the baseline; the two can't be paired"
                    )
            except (StoreError, OSError, ValueError, KeyError) as error:
                row = rows.iloc[n]
                where = (
                    f"{row['model']}, {row['intermediate']} → {row['target']}, {language}, phase "
                    f"{phase}"
                )
                self.problems.append(f"{where}: no interval: {plain(error, self.store)}")
                continue
            read[self._place[phase]] = (ids, block)
        lists = {id(ids): ids for ids, _ in read.values()}
        every = sorted({one for ids in lists.values() for one in ids})
        return every, {place: _placed(ids, block, every) for place, (ids, block) in read.items()}

    def _statistics(self, phase: str, language: str, value: float) -> tuple[list[str], Array]:
        """Sorted ids and statistics `(N, K)`; CorruptError where they don't give the score. Rows
        with one id are told apart by their order.
        """
        table = self.store.phase(phase).predictions(language, ["id", *self.metric.statistics])
        columns = [table[name].to_numpy() for name in self.metric.statistics]
        block = np.stack(columns, axis=1, dtype=np.float64, casting="unsafe")
        again = self.metric.value(block.sum(axis=0)[None], np.array([float(len(block))]))[0]
        if abs(again - value) > TOLERANCE:
            raise CorruptError(
                f"{language}.parquet: its {self.metric.name} is {again:.2f} but the score says "
                f"{value:.2f}"
            )
        ids, order = self._sorted(table["id"])
        return ids, block[order]

    def _sorted(self, stored: Any) -> tuple[list[str], Any]:
        """The ids of a column, sorted and told apart, and their order. Most phases and languages
        have the same ids, which are worked out once.
        """
        if self._ids is None or not self._ids[0].equals(stored):
            ids = np.array([str(example) for example in stored.to_pylist()])
            order = np.argsort(ids, kind="stable")
            self._ids = stored, _distinct(ids[order].tolist()), order
        _, found, order = self._ids
        return found, order


def _distinct(ids: list[str]) -> list[str]:
    """Sorted ids, where those that stand there before have a number behind a NUL, so that they are
    still sorted.
    """
    if len({*ids}) == len(ids):
        return ids
    found: list[str] = []
    before, number = None, 0
    for one in ids:
        number = number + 1 if one == before else 0
        found.append(f"{one}\0{number:09}" if number else one)
        before = one
    return found


def _placed(ids: list[str], block: Array, every: list[str]) -> Array:
    """The statistics of `ids` at their places among `every`, both sorted; zeros for ids that are
    missing.
    """
    if ids == every:
        return block
    placed = np.zeros((len(every), block.shape[1]))
    placed[np.searchsorted(every, ids)] = block
    return placed

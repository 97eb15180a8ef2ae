"""Metrics as functions of per-example statistics.

Every metric here is a function of the *sums* of a few per-example numbers and of the number of
examples: accuracy of the sum of `correct`, chunk F1 of the sums of `true_positives`, `predicted`,
`gold`. Predictions carry these numbers as columns, so a score can be recomputed from a predictions
file, and a bootstrap over examples needs no second scorer. Values are in percent, higher is better.

`S` sets of examples (one, or bootstrap resamples), `K` statistics of the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric in percent."""

    name: str
    statistics: tuple[str, ...]
    """Columns of the predictions that it is made of."""
    value: Callable[[Array, Array], Array]
    """`(sums_SK, n_S) -> value_S`."""

    def of(self, columns: Mapping[str, Any]) -> float:
        """The metric over all rows of a predictions table (column name to values)."""
        table = np.array([np.asarray(columns[name], dtype=np.float64) for name in self.statistics])
        return float(self.value(table.sum(axis=1)[None, :], np.array([table.shape[1]], dtype=np.float64))[0])


def _ratio(over: Array, under: Array) -> Array:
    return 100.0 * np.divide(over, under, out=np.zeros_like(over, dtype=np.float64), where=under > 0)


def _mean(sums: Array, n: Array) -> Array:
    return _ratio(sums.mean(axis=1), n)


def _f1(sums: Array, n: Array) -> Array:
    """Micro F1 = 2 TP / (predicted + gold)."""
    return _ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


def _share(sums: Array, n: Array) -> Array:
    return _ratio(sums[:, 0], sums[:, 1])


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(name="accuracy", statistics=("correct",), value=_mean),
            Metric(name="chunk_f1", statistics=("true_positives", "predicted", "gold_chunks"), value=_f1),
            Metric(name="token_accuracy", statistics=("tokens_correct", "tokens"), value=_share),
            Metric(name="exact_match", statistics=("exact_match",), value=_mean),
            Metric(name="f1", statistics=("f1",), value=_mean),
            Metric(name="qa_mean", statistics=("exact_match", "f1"), value=_mean),
            Metric(name="masked_accuracy", statistics=("tokens_correct", "tokens"), value=_share),
        )
    }
)
"""Name to metric. `qa_mean` is XTREME's task score for QA, (EM + F1) / 2."""

"""Metrics as functions of per-example statistics.

Every metric here is a function of the *sums* of a few per-example numbers and of the number of
examples: accuracy of the sum of `correct`, chunk F1 of the sums of `true_positives`, `predicted`,
`gold`. Predictions have these numbers as columns, so a score can be recomputed from a predictions
file, and a bootstrap over examples needs no second scorer. Values are in percent, higher is better;
correlations, including Matthews', are 100 r and may be negative. A division by zero (no rows,
constant predictions) gives 0. docs/metrics.md names the sources and the script that each follows.

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
    """Columns of the predictions from which it is computed."""
    value: Callable[[Array, Array], Array]
    """`(sums_SK, n_S) -> value_S`."""
    rules: str = ""
    """The published scorer whose numbers it equals, with its version; empty if there is only one
    way to count.
    """

    def of(self, columns: Mapping[str, Any]) -> float:
        """The metric over all rows of a predictions table (column name to values)."""
        table = np.array([np.asarray(columns[name], dtype=np.float64) for name in self.statistics])
        return float(
            self.value(table.sum(axis=1)[None, :], np.array([table.shape[1]], dtype=np.float64))[0]
        )


def _ratio(over: Array, under: Array) -> Array:
    return 100.0 * np.divide(
        over, under, out=np.zeros_like(over, dtype=np.float64), where=under > 0
    )


def _mean(sums: Array, n: Array) -> Array:
    return _ratio(sums.mean(axis=1), n)


def _f1(sums: Array, n: Array) -> Array:
    """Micro F1 = 2 TP / (predicted + gold)."""
    return _ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


def _share(sums: Array, n: Array) -> Array:
    return _ratio(sums[:, 0], sums[:, 1])


def _binary_f1(sums: Array, n: Array) -> Array:
    """F1 of one class = 2 TP / (2 TP + FP + FN)."""
    tp, fp, fn = sums.T
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _accuracy_f1(sums: Array, n: Array) -> Array:
    """Mean of accuracy and F1: GLUE's score of QQP and MRPC (Wang et al. 2019, arXiv 1804.07461,
    section 3.2).
    """
    return (_ratio(sums[:, 0], n) + _binary_f1(sums[:, 1:], n)) / 2


def _matthews(sums: Array, n: Array) -> Array:
    """(TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)), Matthews 1975."""
    tp, fp, tn, fn = sums.T
    under = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return _ratio(tp * tn - fp * fn, under)


def _pearson(sums: Array, n: Array) -> Array:
    """Pearson's r from the sums of x, y, x x, y y, x y."""
    x, y, xx, yy, xy = sums.T
    spread_x, spread_y = n * xx - x * x, n * yy - y * y
    # A constant column leaves only rounding errors, far below 1e-6 of its squares even in float32.
    spread = (spread_x > 1e-6 * n * xx) & (spread_y > 1e-6 * n * yy)
    under = np.where(
        spread, np.sqrt(np.maximum(spread_x, 0)) * np.sqrt(np.maximum(spread_y, 0)), 0.0
    )
    return np.clip(_ratio(n * xy - x * y, under), -100.0, 100.0)


def _correlation(sums: Array, n: Array) -> Array:
    """Mean of Pearson and Spearman: GLUE's score of STS-B (as `accuracy_f1`)."""
    return (_pearson(sums[:, :5], n) + _pearson(sums[:, 5:], n)) / 2


_COUNTS = ("true_positive", "false_positive", "false_negative")
_VALUES = ("x", "y", "xx", "yy", "xy")
_SQUAD = "SQuAD evaluate-v1.1.py; where questions may have no answer evaluate-v2.0.py"
_MLQA = "MLQA mlqa_evaluation_v1.py"
_RANKS = ("rank_x", "rank_y", "rank_xx", "rank_yy", "rank_xy")

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(name="accuracy", statistics=("correct",), value=_mean),
            Metric(name="binary_f1", statistics=_COUNTS, value=_binary_f1),
            Metric(name="accuracy_f1", statistics=("correct", *_COUNTS), value=_accuracy_f1),
            Metric(
                name="matthews",
                statistics=("true_positive", "false_positive", "true_negative", "false_negative"),
                value=_matthews,
            ),
            Metric(name="pearson", statistics=_VALUES, value=_pearson),
            Metric(name="spearman", statistics=_RANKS, value=_pearson),
            Metric(name="correlation", statistics=(*_VALUES, *_RANKS), value=_correlation),
            Metric(
                name="chunk_f1",
                statistics=("true_positives", "predicted", "gold_chunks"),
                value=_f1,
                rules="seqeval 0.0.12, with types whole where they have a hyphen",
            ),
            Metric(
                name="chunk_f1_merged",
                statistics=("merged_true_positives", "merged_predicted", "merged_gold_chunks"),
                value=_f1,
                rules="seqeval 1.2.2",
            ),
            Metric(name="token_accuracy", statistics=("tokens_correct", "tokens"), value=_share),
            Metric(name="exact_match", statistics=("exact_match",), value=_mean, rules=_SQUAD),
            Metric(name="f1", statistics=("f1",), value=_mean, rules=_SQUAD),
            Metric(name="qa_mean", statistics=("exact_match", "f1"), value=_mean, rules=_SQUAD),
            Metric(
                name="mlqa_exact_match", statistics=("mlqa_exact_match",), value=_mean, rules=_MLQA
            ),
            Metric(name="mlqa_f1", statistics=("mlqa_f1",), value=_mean, rules=_MLQA),
            Metric(
                name="mlqa_mean",
                statistics=("mlqa_exact_match", "mlqa_f1"),
                value=_mean,
                rules=_MLQA,
            ),
            Metric(name="segmented_f1", statistics=("segmented_f1",), value=_mean),
            Metric(
                name="best_exact_match", statistics=("best_exact_match",), value=_mean, rules=_SQUAD
            ),
            Metric(name="best_f1", statistics=("best_f1",), value=_mean, rules=_SQUAD),
            Metric(
                name="best_qa_mean",
                statistics=("best_exact_match", "best_f1"),
                value=_mean,
                rules=_SQUAD,
            ),
            Metric(
                name="mining_f1",
                statistics=("true_positives", "predicted", "gold_pairs"),
                value=_f1,
            ),
            Metric(
                name="mining_best_f1",
                statistics=("best_true_positives", "best_predicted", "gold_pairs"),
                value=_f1,
            ),
            Metric(name="map_at_k", statistics=("average_precision",), value=_mean),
            Metric(name="mrr_at_k", statistics=("reciprocal_rank",), value=_mean),
            Metric(name="masked_accuracy", statistics=("tokens_correct", "tokens"), value=_share),
        )
    }
)
"""Name to metric. `qa_mean` is XTREME's task score for QA, (EM + F1) / 2."""

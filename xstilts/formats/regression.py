"""Regression: one number for a text or a pair of texts (STS-B's similarity, 0 to 5).

Input and head are those of classification with a single output; the loss is the squared error, as
in GLUE's baselines and RoBERTa. A row without a finite label has no loss and is not scored.

Scores are Pearson's and Spearman's correlation and their mean, GLUE's score for STS-B. Like every
metric they are computed from sums over rows (`metrics.py`). Predictions and gold numbers are first
*standardised* over the table (this does not change a correlation and avoids rounding errors in
large sums). Spearman's correlation is Pearson's of the ranks, where equal values share their mean
rank. Ranks are those in the whole table: its score is exact, but a bootstrap that draws rows keeps
them instead of ranking each draw again. That is an approximation, and a good one for tables of
hundreds of rows.

A prediction that is not finite counts as 0, so a diverged model gets a low score instead of an
error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from xstilts.errors import DataError
from xstilts.formats.common import (
    FirstTokenHead,
    HeadModule,
    attention_mask,
    column,
    encode_pairs,
    initialise,
    pad,
    row_ids,
)
from xstilts.formats.exporting import Exported, first_token, piped
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.spec.format_specs.regression import REGRESSION

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task


Array = np.ndarray[Any, np.dtype[Any]]


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Rows to features, one to one; `labels` are floats, NaN for none. `DataError` for a label that
    is not a number.
    """
    labels = [_number(label, row, task) for row, label in enumerate(batch["label"], first_row)]
    ids = encode_pairs(batch["text"], batch.get("text_pair"), tokenizer, hyper)
    return {
        "input_ids": ids,
        "row": list(range(first_row, first_row + len(ids))),
        "n_items": [int(math.isfinite(label)) for label in labels],
        "length": [len(one) for one in ids],
        "labels": labels,
    }


def _number(label: Any, row: int, task: Task) -> float:
    try:
        return math.nan if label is None else float(label)
    except (TypeError, ValueError):
        message = f"label is {label!r}; must be a number; fix the data or drop the row"
        raise DataError(f"task {task.name}, row {row + 1}: {message}") from None


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `targets_B` (float32; NaN for none)."""
    ids = [feature["input_ids"] for feature in features]
    return {
        "input_ids_BL": pad(ids, pad_id),
        "attention_mask_BL": attention_mask(ids),
        "targets_B": torch.tensor([feature["labels"] for feature in features], dtype=torch.float32),
    }


class Head(HeadModule):
    """One number from the first token."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.regressor = FirstTokenHead(hidden_size, 1, dropout)
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`logits_B1` and the summed squared error."""
        logits_B1 = self.regressor(hidden_BLH)
        if "targets_B" not in batch:
            return logits_B1, None
        targets_B = batch["targets_B"]
        known_B = targets_B.isfinite()
        errors_B = logits_B1.squeeze(-1).float() - torch.where(known_B, targets_B, 0.0)
        return logits_B1, (errors_B.square() * known_B).sum()


def decode(logits: list[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """One row for each labelled row: both numbers, and the columns whose sums give the
    correlations.
    """
    ids, rows = row_ids(encoded), column(encoded.features, "row")
    gold = np.array(column(encoded.features, "labels"), dtype=np.float64)
    predicted = np.array([np.ravel(one)[0] for one in logits], dtype=np.float64)
    predicted = np.where(np.isfinite(predicted), predicted, 0.0)
    kept = np.flatnonzero(np.isfinite(gold))
    return {
        "id": [ids[rows[i]] for i in kept],
        "prediction": predicted[kept].tolist(),
        "gold": gold[kept].tolist(),
        **moments(predicted[kept], gold[kept]),
    }


def moments(predicted: Array, gold: Array) -> dict[str, list[float]]:
    """For each row, the terms of the sums for Pearson's (`x`, `y`, `xx`, ...) and Spearman's
    (`rank_x`, ...) correlation.
    """
    from scipy.stats import rankdata

    columns: dict[str, list[float]] = {}
    for prefix, sides in (
        ("", (predicted, gold)),
        ("rank_", (rankdata(predicted), rankdata(gold))),
    ):
        x, y = map(_standardised, sides)
        for name, values in (("x", x), ("y", y), ("xx", x * x), ("yy", y * y), ("xy", x * y)):
            columns[prefix + name] = values.tolist()
    return columns


def _standardised(values: Array) -> Array:
    """Scaled to mean 0 and standard deviation 1; zeros if all are equal up to rounding."""
    if not len(values):
        return values
    centred = values - values.mean()
    spread = centred.std()
    # np.std of equal numbers may leave a rounding error.
    return (
        centred / spread
        if spread > 1e-9 * max(1.0, float(np.abs(values).max()))
        else np.zeros_like(values)
    )


# -- predicting


predict = one_pass(REGRESSION, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


exported = Exported(
    model_class="AutoModelForSequenceClassification",
    pipeline="text-classification",
    use=piped(
        "text-classification",
        'model({"text": "a text", "text_pair": "its pair, if there are pairs"}, truncation=True)',
        "The score is the number itself, not a probability.",
    ),
    layers=first_token("regressor"),
    settings=lambda task: {
        "id2label": {0: "score"},
        "label2id": {"score": 0},
        "problem_type": "regression",
    },
)

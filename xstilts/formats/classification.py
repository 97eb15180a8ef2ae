"""Classification of a text, or of a pair of texts, into one of `task.labels`.

The input is `<s> text </s>` or `<s> text </s></s> text_pair </s>` with the tokenizer's own special
tokens; if it is too long, the longer text is cut first, at its end. The head is that of RoBERTa and
XTREME: dropout, dense, tanh, dropout, linear on the first token, cross entropy.

F1 and Matthews' correlation are about one class (`duplicate`, `acceptable`): they score
`options.positive_label`, by default the last label, against all others. So with three labels they
still measure one class; they are not a multi-class F1 or correlation.

A feature is a row: `labels` is the id of its label, or `IGNORE` if the row has none (`n_items` 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from xstilts.errors import DataError
from xstilts.formats.common import (
    IGNORE,
    FirstTokenHead,
    HeadModule,
    attention_mask,
    encode_pairs,
    initialise,
    label_table,
    pad,
    pick_table,
    unknown_label,
)
from xstilts.formats.exporting import Exported, first_token, named_labels, piped
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.spec.format_specs.classification import CLASSIFICATION, ClassificationOptions

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Rows to features, one to one; `DataError` for a label outside the table."""
    table = label_table(task)
    labels = []
    for row, label in enumerate(batch["label"], first_row):
        if label not in table:
            raise unknown_label(label, row, task)
        labels.append(table[label])
    ids = encode_pairs(batch["text"], batch.get("text_pair"), tokenizer, hyper)
    return {
        "input_ids": ids,
        "row": list(range(first_row, first_row + len(ids))),
        "n_items": [int(label != IGNORE) for label in labels],
        "length": [len(one) for one in ids],
        "labels": labels,
    }


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `labels_B`."""
    ids = [feature["input_ids"] for feature in features]
    return {
        "input_ids_BL": pad(ids, pad_id),
        "attention_mask_BL": attention_mask(ids),
        "labels_B": torch.tensor([feature["labels"] for feature in features], dtype=torch.int64),
    }


class Head(HeadModule):
    """Scores of the labels from the first token."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.classifier = FirstTokenHead(hidden_size, len(task.labels), dropout)
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`logits_BC` and the summed cross entropy."""
        logits_BC = self.classifier(hidden_BLH)
        if "labels_B" not in batch:
            return logits_BC, None
        return logits_BC, cross_entropy(
            logits_BC.float(), batch["labels_B"], ignore_index=IGNORE, reduction="sum"
        )


def decode(
    logits: list[np.ndarray[Any, Any]], encoded: EncodedSplit, task: Task
) -> dict[str, list[Any]]:
    """One row for each labelled row: label names, `correct`, and which cell of the positive label's
    confusion matrix it is in (0 or 1).
    """
    table = pick_table(logits, encoded, lambda label: task.labels[label])
    return {**table, **binary_counts(table["prediction"], table["gold"], positive(task))}


def positive(task: Task) -> str:
    """The label that F1 and Matthews' correlation score; `DataError` if it is not in the table."""
    label = ClassificationOptions.of(task).positive_label
    if label is not None and label not in task.labels:
        must = f"must be one of {', '.join(task.labels)}"
        raise DataError(f"task {task.name}: options.positive_label is {label!r}; {must}")
    return task.labels[-1] if label is None else label


def binary_counts(
    predicted: Sequence[str], gold: Sequence[str], label: str
) -> dict[str, list[int]]:
    """`true_positive`, `false_positive`, `true_negative`, `false_negative`: each row has a 1 in one
    of them.
    """
    cells = [(guess == label, truth == label) for guess, truth in zip(predicted, gold, strict=True)]
    names = {"true_positive": (True, True), "false_positive": (True, False)}
    names |= {"true_negative": (False, False), "false_negative": (False, True)}
    return {name: [int(cell == wanted) for cell in cells] for name, wanted in names.items()}


# -- predicting


predict = one_pass(CLASSIFICATION, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


exported = Exported(
    model_class="AutoModelForSequenceClassification",
    pipeline="text-classification",
    use=piped(
        "text-classification",
        'model({"text": "a text", "text_pair": "its pair, if there are pairs"}, truncation=True)',
        "A text longer than the training's inputs must be cut, as here.",
    ),
    layers=first_token("classifier"),
    settings=lambda task: {**named_labels(task), "problem_type": "single_label_classification"},
)

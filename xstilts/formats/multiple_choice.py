"""Multiple choice: which of a row's choices continues or answers its context.

Each choice is scored separately, as `<s> context question </s></s> choice </s>`, by one number from
the first token; the loss is a softmax over the choices of a row. Rows may have different numbers of
choices.

Roles: `context`, `choices`, `label` (number of the right choice, from 0), and two optional ones.
`question` follows the context. In COPA and XCOPA it is only `cause` or `effect`, in every language;
these become an English question (`QUESTIONS`, worded as in XTREME-R), any other question is used as
it is. `prefix` begins every choice: HellaSwag's endings finish a half sentence, its `ctx_b`.

If an input is too long, the context loses its end before the question loses anything. A choice is
cut only if it is longer than half of the room; the same holds for the text before it.

A feature is a row with one id list for each choice; a batch puts the choices of all rows one after
the other, so the body sees plain sequences.

Legend: `B` choices of a batch, `R` rows, `K` most choices of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from xstilts.errors import DataError
from xstilts.formats.common import (
    IGNORE,
    UNLABELLED,
    FirstTokenHead,
    HeadModule,
    attention_mask,
    column,
    encode_pairs,
    initialise,
    pad,
    pick_table,
)
from xstilts.formats.exporting import Batch, Exported, opened, pooled
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.spec.format_specs.multiple_choice import MULTIPLE_CHOICE

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

QUESTIONS = {"cause": "What was the cause?", "effect": "What was the effect?"}
"""The questions that stand for COPA's two words."""


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Rows to features, one to one; `DataError` if a row has no choices or its label is none of
    them.
    """
    contexts: list[str] = []
    questions: list[str] = []
    endings: list[str] = []
    labels = []
    for row, (context, question, choices, label) in enumerate(_texts(batch), first_row):
        labels.append(_label(label, len(choices), row, task))
        contexts += [_join(context, question)] * len(choices)
        questions += [question] * len(choices)
        endings += choices
    flat = iter(encode_pairs(contexts, endings, tokenizer, hyper, questions))
    ids = [[next(flat) for _ in choices] for choices in batch["choices"]]
    return {
        "input_ids": ids,
        "row": list(range(first_row, first_row + len(ids))),
        "n_items": [int(label != IGNORE) for label in labels],
        "length": [sum(map(len, one)) for one in ids],
        "labels": labels,
    }


def _texts(batch: dict[str, list[Any]]) -> Iterator[tuple[str, str, list[str], Any]]:
    """`(context, question, choices with prefix, label)` of each row; the question may be empty."""
    blank = [""] * len(batch["context"])
    questions, prefixes = batch.get("question", blank), batch.get("prefix", blank)
    rows = zip(batch["context"], questions, prefixes, batch["choices"], batch["label"], strict=True)
    for context, question, prefix, choices, label in rows:
        yield (
            context,
            QUESTIONS.get(question, question) or "",
            [_join(prefix, choice) for choice in choices],
            label,
        )


def _join(first: str | None, second: str | None) -> str:
    return f"{first} {second}" if first and second else first or second or ""


def _label(label: int | str, n_choices: int, row: int, task: Task) -> int:
    where = f"task {task.name}, row {row + 1}"
    if n_choices < 1:
        raise DataError(f"{where}: choices is empty; must hold at least one; fix or drop the row")
    number = task.labels.index(label) if isinstance(label, str) and label in task.labels else label
    if number in UNLABELLED:
        return IGNORE
    if isinstance(number, str) or not 0 <= number < n_choices:
        must = f"a number from 0 to {n_choices - 1}" + (
            f" or one of {', '.join(task.labels)}" if task.labels else ""
        )
        raise DataError(
            f"{where}: label is {label!r}; must be {must}; fix the data or the task's labels"
        )
    return int(number)


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `slots_RK` (each row's places in B, -1 for none),
    `labels_R`.
    """
    ids = [choice for feature in features for choice in feature["input_ids"]]
    counts = [len(feature["input_ids"]) for feature in features]
    starts = np.cumsum([0, *counts[:-1]])
    slots = [list(range(start, start + count)) for start, count in zip(starts, counts, strict=True)]
    return {
        "input_ids_BL": pad(ids, pad_id),
        "attention_mask_BL": attention_mask(ids),
        "slots_RK": pad(slots, -1, multiple=1),
        "labels_R": torch.tensor([feature["labels"] for feature in features], dtype=torch.int64),
    }


class Head(HeadModule):
    """One score for each choice."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.scorer = FirstTokenHead(hidden_size, 1, dropout)
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`logits_RK`, minus infinity beyond a row's last choice, and the summed cross entropy."""
        scores_B = self.scorer(hidden_BLH).squeeze(-1)
        slots_RK = batch["slots_RK"]
        logits_RK = scores_B[slots_RK.clamp(min=0)].masked_fill(slots_RK < 0, -torch.inf)
        if "labels_R" not in batch:
            return logits_RK, None
        return logits_RK, cross_entropy(
            logits_RK.float(), batch["labels_R"], ignore_index=IGNORE, reduction="sum"
        )


def decode(
    logits: list[np.ndarray[Any, Any]], encoded: EncodedSplit, task: Task
) -> dict[str, list[Any]]:
    """One row for each labelled row: the number of the choice, and `correct` (0 or 1)."""
    counts = [len(choices) for choices in column(encoded.rows, "choices")]
    rows = column(encoded.features, "row")
    return pick_table(
        (scores_K[: counts[row]] for scores_K, row in zip(logits, rows, strict=True)), encoded, str
    )


# -- predicting


predict = one_pass(MULTIPLE_CHOICE, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


def one_row(batch: Batch) -> dict[str, Tensor]:
    """All sequences of a batch are the choices of one row."""
    return {"slots_RK": torch.arange(len(batch["input_ids_BL"]))[None]}


exported = Exported(
    model_class="AutoModelForMultipleChoice",
    pipeline="multiple-choice",
    use=opened(
        "AutoModelForMultipleChoice",
        "Each choice is a pair of texts: the context, with the question after a blank, and the "
        "choice. `input_ids` is (rows, choices, tokens).",
    ),
    layers=pooled("scorer"),
    more=one_row,
    choices=True,
)

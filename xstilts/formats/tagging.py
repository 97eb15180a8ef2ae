"""Tagging: a label for every token (part of speech, named entities).

A token's label is on its first sub-token; the others have no loss. A sentence longer than
`max_length_tokens` is *split* at a word boundary into several features, never truncated, and
`decode` joins their predictions: a long sentence counts as one. A token without sub-tokens (white
space, a lone joiner), or with more than fit into a feature, becomes the unknown token and keeps its
label. All of this follows XTREME's preprocessing, as does the head: dropout, linear.

A label table that ends with `labels.UNSEEN` is open: that label stands for test tags that no
training row has (CCG's rarest categories). It has no loss and is never predicted, so it counts as a
mistake in every score.

`chunks.py` explains how chunks are counted and why there are two counts.

Legend: `B` features, `L` sub-tokens, `C` labels; a *word* is a token of the data.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from xstilts.errors import DataError
from xstilts.formats.common import (
    IGNORE,
    PLAIN,
    HeadModule,
    attention_mask,
    column,
    frame,
    initialise,
    label_table,
    pad,
    row_ids,
    unknown_label,
)
from xstilts.formats.exporting import Exported, named_labels, piped
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.scoring import chunks
from xstilts.spec.format_specs.tagging import TAGGING
from xstilts.spec.task import UNSEEN

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

_UNSEEN_ID = -2
"""Label of an `UNSEEN` tag in features: no loss (as `IGNORE`), but scored."""


# -- encoding


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Sentences to one or more features each (none for an empty sentence).

    `positions` are the positions of the words' first sub-tokens in `input_ids`, `labels` the words'
    label ids. `DataError` for a label outside the table, or if a sentence has more or fewer tags
    than tokens.
    """
    before, after = frame(tokenizer)
    room = hyper.max_length_tokens - len(before) - len(after)
    pieces = _word_pieces(batch["tokens"], tokenizer, room)
    table = label_table(task)
    if _is_open(task):
        table[UNSEEN] = table[len(task.labels) - 1] = _UNSEEN_ID
    names = ("input_ids", "row", "n_items", "length", "positions", "labels")
    features: dict[str, list[Any]] = {name: [] for name in names}
    for row, (words, tags) in enumerate(
        zip(batch["tokens"], batch["tags"], strict=True), first_row
    ):
        labels = _labels(words, tags, table, row, task)
        split = [pieces[word] for word in words]
        for start, end in windows([len(word) for word in split], room):
            starts = np.cumsum([len(before), *(len(word) for word in split[start : end - 1])])
            ids = [*before, *(piece for word in split[start:end] for piece in word), *after]
            items = sum(label >= 0 for label in labels[start:end])
            values = (ids, row, items, len(ids), starts.tolist(), labels[start:end])
            for name, value in zip(names, values, strict=True):
                features[name].append(value)
    return features


def _is_open(task: Task) -> bool:
    return task.labels[-1:] == (UNSEEN,)


def _word_pieces(
    sentences: list[list[str]], tokenizer: PreTrainedTokenizerBase, room: int
) -> dict[str, list[int]]:
    """Sub-token ids of every distinct word, from 1 to `room` each."""
    words = list(dict.fromkeys(word for sentence in sentences for word in sentence))
    if not words:
        return {}
    alone = [[word] for word in words]
    ids = tokenizer(alone, is_split_into_words=True, add_special_tokens=False, **PLAIN)["input_ids"]
    unknown = [tokenizer.unk_token_id]
    return {
        word: one if 0 < len(one) <= room else unknown for word, one in zip(words, ids, strict=True)
    }


def _labels(
    words: list[str], tags: Sequence[int | str], table: dict[int | str, int], row: int, task: Task
) -> list[int]:
    if len(words) != len(tags):
        message = f"{len(words)} tokens but {len(tags)} tags; must be equal; fix or drop the row"
        raise DataError(f"task {task.name}, row {row + 1}: {message}")
    try:
        return [table[tag] for tag in tags]
    except KeyError as error:
        raise unknown_label(error.args[0], row, task) from None


def windows(lengths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """`(start, end)` of runs of words, each as long as fits into `room` sub-tokens, without
    overlap.
    """
    start, used = 0, 0
    for i, length in enumerate(lengths):
        if used + length > room and i > start:
            yield start, i
            start, used = i, 0
        used += length
    if lengths:
        yield start, len(lengths)


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `labels_BL` (`IGNORE` except on first sub-tokens, and
    for `UNSEEN`).
    """
    ids = [feature["input_ids"] for feature in features]
    input_ids_BL = pad(ids, pad_id)
    labels_BL = torch.full_like(input_ids_BL, IGNORE)
    for i, feature in enumerate(features):
        labels_BL[i, feature["positions"]] = torch.tensor(feature["labels"], dtype=torch.int64)
    labels_BL[labels_BL < 0] = IGNORE
    return {
        "input_ids_BL": input_ids_BL,
        "attention_mask_BL": attention_mask(ids),
        "labels_BL": labels_BL,
    }


# -- head


class Head(HeadModule):
    """Scores of the labels for every sub-token."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, len(task.labels))
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`logits_BLC` and the cross entropy summed over the first sub-tokens."""
        logits_BLC = self.out(self.dropout(hidden_BLH))
        if "labels_BL" not in batch:
            return logits_BLC, None
        flat, labels = logits_BLC.flatten(0, 1).float(), batch["labels_BL"].flatten()
        return logits_BLC, cross_entropy(flat, labels, ignore_index=IGNORE, reduction="sum")


# -- decoding


def decode(
    logits: list[np.ndarray[Any, Any]], encoded: EncodedSplit, task: Task
) -> dict[str, list[Any]]:
    """One row for each sentence; prediction and gold are JSON lists of tags, without unlabelled
    words.
    """
    n_rows = len(encoded.rows)
    predicted: list[list[str]] = [[] for _ in range(n_rows)]
    gold: list[list[str]] = [[] for _ in range(n_rows)]
    names = {**dict(enumerate(task.labels)), _UNSEEN_ID: UNSEEN}
    known = len(task.labels) - _is_open(task)
    columns = (column(encoded.features, name) for name in ("row", "positions", "labels"))
    for scores_LC, row, positions, labels in zip(logits, *columns, strict=True):
        best = scores_LC[np.asarray(positions), :known].argmax(axis=-1).tolist()
        kept = [(names[p], names[g]) for p, g in zip(best, labels, strict=True) if g != IGNORE]
        predicted[row] += [p for p, _ in kept]
        gold[row] += [g for _, g in kept]
    return {
        "id": row_ids(encoded),
        "prediction": [json.dumps(tags, ensure_ascii=False) for tags in predicted],
        "gold": [json.dumps(tags, ensure_ascii=False) for tags in gold],
        **statistics(gold, predicted, task.labels),
    }


def statistics(
    gold: list[list[str]], predicted: list[list[str]], labels: Sequence[str] = ()
) -> dict[str, list[int]]:
    """Counts of each sentence: chunks that agree, are predicted, are gold, in both ways; tokens
    that agree, tokens.

    `labels`: the task's table, which decides how tags are read; left out: the tags that occur.
    """
    table: dict[str, list[int]] = {}
    read = chunks.reading_of(
        labels or {tag for side in (gold, predicted) for s in side for tag in s}
    )
    for prefix, reading in (("", read), ("merged_", chunks.after_first)):
        counts = list(chunks.agreement(gold, predicted, reading))
        for place, name in enumerate(("true_positives", "predicted", "gold_chunks")):
            table[prefix + name] = [one[place] for one in counts]
    table["tokens_correct"] = [
        sum(map(operator.eq, truth, guess)) for truth, guess in zip(gold, predicted, strict=True)
    ]
    table["tokens"] = [len(truth) for truth in gold]
    return table


# -- predicting


predict = one_pass(TAGGING, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


exported = Exported(
    model_class="AutoModelForTokenClassification",
    pipeline="token-classification",
    use=piped(
        "token-classification",
        'model("words with blanks between them")',
        "Each entry of the answer is a sub-token; a word's tag is that of its first one "
        "(`aggregation_strategy` joins sub-tokens by rules of its own, which do not fit every "
        "tokenizer). Text longer than the training's inputs is cut off: give it in pieces.",
    ),
    layers=({"out.": "classifier."}, {"out.": "score."}),
    settings=named_labels,
)

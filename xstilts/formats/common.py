"""What several formats share: padding, the head on the first token, reading columns.

Every feature of a batch is padded on the right to the longest one, rounded up to a multiple of
eight (faster on tensor cores; a few extra pads cost nothing on a CPU). The attention mask comes
from the *lengths*, never from comparing ids with the pad id, so a text that contains the pad token
stays visible.

Legend: `B` sequences of a batch, `L` tokens after padding, `H` hidden width, `C` classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

IGNORE = -100
"""Label of a position without a loss."""
UNLABELLED = (-1, IGNORE)
"""Label ids in the data that mean "no label here"."""

PLAIN: dict[str, Any] = {
    "padding": False,
    "return_attention_mask": False,
    "return_token_type_ids": False,
    "verbose": False,
}
"""Arguments of a tokenizer call that should return only ids."""


# -- batches


def padded_length(rows: Sequence[Sequence[int]], multiple: int = 8) -> int:
    """The longest row, rounded up to a multiple of `multiple`; at least `multiple`."""
    longest = max((len(row) for row in rows), default=0)
    return max(multiple, -(-longest // multiple) * multiple)


def pad(rows: Sequence[Sequence[int]], value: int, multiple: int = 8) -> Tensor:
    """Rows of ids as one tensor `ids_BL` (int64), filled on the right with `value`."""
    out = np.full((len(rows), padded_length(rows, multiple)), value, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


def attention_mask(rows: Sequence[Sequence[int]], multiple: int = 8) -> Tensor:
    """`mask_BL` (int64): 1 where `rows` has an id, 0 where `pad` fills."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    return torch.from_numpy(
        (np.arange(padded_length(rows, multiple))[None, :] < lengths[:, None]).astype(np.int64)
    )


# -- tokenizers


def frame(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Special ids before and after a single text."""
    both = list(tokenizer([""], **PLAIN)["input_ids"][0])
    starts = bool(both) and both[0] in (tokenizer.cls_token_id, tokenizer.bos_token_id)
    return (both[:1], both[1:]) if starts else ([], both)


def pair_frame(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int], list[int]]:
    """Special ids before, between and after the two texts of a pair."""
    before, after = frame(tokenizer)
    every = list(tokenizer([""], [""], **PLAIN)["input_ids"][0])
    return before, every[len(before) : len(every) - len(after)], after


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Lengths of two texts cut to fit into `room` together: the longer is cut first, then both."""
    if first + second <= room:
        return first, second
    short = min(first, second, room // 2)
    return (room - short, short) if first > second else (short, room - short)


def encode_pairs(
    first: list[str],
    second: list[str] | None,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    ends: list[str] | None = None,
) -> list[list[int]]:
    """Ids of texts, or of pairs of texts, special tokens included, cut to `max_length_tokens`.

    The result equals a tokenizer call with `truncation="longest_first"`, but each distinct text is
    tokenised only once, since premises and contexts are repeated. `ends` are the ends of first
    texts (a question after its passage) that are kept when the first text is cut: it loses tokens
    before its end. `DataError` for a missing text.
    """
    texts = list(dict.fromkeys([*first, *(second or []), *(ends or [])]))
    if None in texts:
        raise DataError("a text is missing (null); must be text; fix or drop the row")
    ids = tokenizer(texts, add_special_tokens=False, **PLAIN)["input_ids"] if texts else []
    pieces: dict[str, list[int]] = dict(zip(texts, ids, strict=True))
    if second is None:
        before, after = frame(tokenizer)
        room = hyper.max_length_tokens - len(before) - len(after)
        return [[*before, *pieces[text][:room], *after] for text in first]
    before, between, after = pair_frame(tokenizer)
    room = hyper.max_length_tokens - len(before) - len(between) - len(after)
    out = []
    for one, other, end in zip(first, second, ends or [""] * len(first), strict=True):
        left, right = pieces[one], pieces[other]
        n_left, n_right = longest_first(len(left), len(right), room)
        kept = _cut(left, n_left, len(pieces.get(end, ())))
        out.append([*before, *kept, *between, *right[:n_right], *after])
    return out


def _cut(ids: list[int], length: int, end: int) -> list[int]:
    """`ids` cut to `length`, keeping the last `end` of them as far as they fit."""
    end = min(end, length) if length < len(ids) else 0
    return [*ids[: length - end], *ids[len(ids) - end :]]


# -- labels and tables


def label_table(task: Task) -> dict[int | str, int]:
    """Maps every way to write a label (name or id) to its id, and values for "no label" to
    `IGNORE`.
    """
    if not task.labels:
        raise DataError(
            f"task {task.name}: labels is empty; a {task.format} task needs its table of "
            "label names"
        )
    table: dict[int | str, int] = dict.fromkeys(UNLABELLED, IGNORE)
    for number, name in enumerate(task.labels):
        table[name] = table[number] = number
    return table


def unknown_label(label: Any, row: int, task: Task) -> DataError:
    """The error for a label outside the table."""
    return DataError(
        f"task {task.name}, row {row + 1}: label is {label!r}; must be one of "
        f"{', '.join(task.labels)}, or an id from 0 to "
        f"{len(task.labels) - 1}; fix the data or the task's labels"
    )


def column(table: Any, name: str) -> list[Any]:
    """A column of a `datasets.Dataset` (or of a plain dict of lists) as a list."""
    return list(table[name][:])


def row_ids(encoded: EncodedSplit) -> list[str]:
    """Ids of a split's rows: their own `id` if they have one, else their number."""
    if "id" in encoded.rows.column_names:
        return [str(value) for value in column(encoded.rows, "id")]
    return [str(row) for row in range(len(encoded.rows))]


def row_languages(encoded: EncodedSplit, task: Task) -> list[str]:
    """The language of each row: its own `language` if the rows have several, else the split's or
    the training language.
    """
    if "language" in encoded.rows.column_names:
        return [str(language) for language in column(encoded.rows, "language")]
    return [encoded.language or task.train_languages[0]] * len(encoded.rows)


def pick_table(
    logits: Iterable[np.ndarray[Any, Any]], encoded: EncodedSplit, name: Callable[[int], str]
) -> dict[str, list[Any]]:
    """The predictions table of a format whose features each pick one of several: the pick, the
    right one, `correct`.

    Features without a label are left out. `name` gives the text for a number.
    """
    ids = row_ids(encoded)
    table: dict[str, list[Any]] = {"id": [], "prediction": [], "gold": [], "correct": []}
    rows, labels = column(encoded.features, "row"), column(encoded.features, "labels")
    for scores_C, row, gold in zip(logits, rows, labels, strict=True):
        if gold == IGNORE:
            continue
        best = int(np.argmax(scores_C))
        table["id"].append(ids[row])
        table["prediction"].append(name(best))
        table["gold"].append(name(gold))
        table["correct"].append(int(best == gold))
    return table


# -- heads


class HeadModule(nn.Module):
    """A head with the defaults that fit most formats (see `formats.FormatHead`)."""

    layers: tuple[int, ...] | None = None
    one_text: bool = False
    base_names: Mapping[str, str] = MappingProxyType({})

    def tie(self, embedding_weight: Tensor) -> None:
        """Does nothing: most heads do not use the body's embedding."""


def initialise(head: nn.Module, config: PreTrainedConfig) -> None:
    """Draws weights as transformers does for a new head: normal(0, `initializer_range`), biases
    0.
    """
    std = getattr(config, "initializer_range", 0.02)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, mean=0.0, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class FirstTokenHead(nn.Module):
    """dropout, Linear(H, H), tanh, dropout, Linear(H, C) on the first token: RoBERTa's
    classification head.
    """

    def __init__(self, hidden_size: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, n_out)

    def forward(self, hidden_BLH: Tensor) -> Tensor:
        """Scores `logits_BC`."""
        first_BH = self.dropout(hidden_BLH[:, 0])
        scores: Tensor = self.out(self.dropout(torch.tanh(self.dense(first_BH))))
        return scores

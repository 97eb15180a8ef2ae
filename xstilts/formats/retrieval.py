"""Retrieval: a sentence finds its translation among the sentences of another language.

Nothing is trained. A row gives two features, side 0 the foreign sentence and side 1 the English
one. A sentence's vector is the mean of one hidden state (`options.layer`) over all its tokens,
`<s>` and `</s>` included, as in XTREME's reference code and in Phang et al. 2020. Each *English*
sentence then looks for its row among the foreign ones (XTREME's direction), by

- `cosine`: the nearest neighbour, or
- `margin`: the candidate of the highest ratio margin (Artetxe and Schwenk 2019, arXiv 1811.01136,
  eq. 2): cos(x, y) over the mean of two means, of x to its k nearest foreign sentences and of y to
  its k nearest English ones. It takes away the advantage of a hub, a sentence near to everything.

A sentence that stands in several rows is one candidate, with the vector and the index of its first
row: equal texts tie, ties go to the lowest index, and padding noise has no say. A hit counts where
the *index* is right, so a repeated foreign sentence can be found in its first row alone (official).

The search is exact, blocks of queries against blocks of candidates, so memory is bounded by the
block and not by the product. An index library would add a dependency that has no use here: the
largest set of the benchmarks, 1,000 x 1,000 x 1,024, is one matrix product of a tenth of a second.

`B` features of a batch, `L` tokens, `H` hidden width, `Q` queries, `C` candidates, `K` neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from xstilts.formats.common import attention_mask, column, encode_pairs, pad, row_ids

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.data import EncodedSplit
    from xstilts.sweep import Hyperparameters
    from xstilts.task import Task

ROLES = ("source_sentence", "target_sentence")
OPTIONAL_ROLES: tuple[str, ...] = ()
METRICS = ("accuracy",)

FOREIGN, ENGLISH = 0, 1
_QUERIES, _CANDIDATES = 1024, 8192
_SMALLEST = 1e-6

Array = np.ndarray[Any, np.dtype[Any]]


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Two features a row, `side` 0 foreign and 1 English; `n_items` is 0, there is no loss."""
    sides = (batch["source_sentence"], batch["target_sentence"])
    texts = [text for pair in zip(*sides, strict=True) for text in pair]
    ids = encode_pairs(texts, None, tokenizer, hyper)
    return {
        "input_ids": ids,
        "row": [first_row + i // 2 for i in range(len(texts))],
        "side": [i % 2 for i in range(len(texts))],
        "n_items": [0] * len(texts),
        "length": [len(one) for one in ids],
    }


def collate(features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None) -> dict[str, Tensor]:
    """`input_ids_BL` and `attention_mask_BL`."""
    ids = [feature["input_ids"] for feature in features]
    return {"input_ids_BL": pad(ids, pad_id), "attention_mask_BL": attention_mask(ids)}


class Head(nn.Module):
    """Mean over the tokens of a hidden state; no parameters."""

    def __init__(self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig) -> None:
        super().__init__()
        self.layer = task.options.layer
        """Hidden state that `forward` is to be given; 0 is the embedding output, -1 the last."""

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, None]:
        """`embedding_BH` in float32, and no loss."""
        mask_BL1 = batch["attention_mask_BL"][:, :, None].float()
        return (hidden_BLH.float() * mask_BL1).sum(dim=1) / mask_BL1.sum(dim=1).clamp(min=1), None


def decode(logits: list[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """One row a pair: `id`, `prediction` (row that was found), `gold` (its own row), as text, and `correct`."""
    foreign, english = _by_side(logits, encoded)
    first_rows = _first_rows(column(encoded.rows, "source_sentence"))
    found = first_rows[_search(english, foreign[first_rows], encoded, task)]
    return {
        "id": row_ids(encoded),
        "prediction": [str(row) for row in found.tolist()],
        "gold": [str(row) for row in range(len(found))],
        "correct": [int(row == own) for own, row in enumerate(found.tolist())],
    }


def _by_side(logits: list[Array], encoded: EncodedSplit) -> tuple[Array, Array]:
    """Unit vectors of the foreign and of the English sentences, by row."""
    vectors = unit(np.asarray(logits, dtype=np.float32).reshape(len(logits), -1))
    rows, sides = (np.asarray(column(encoded.features, name), dtype=np.int64) for name in ("row", "side"))
    both = np.zeros((2, len(encoded.rows), vectors.shape[1]), dtype=np.float32)
    both[sides, rows] = vectors
    return both[FOREIGN], both[ENGLISH]


def _first_rows(texts: Sequence[str]) -> Array:
    """Rows where a text stands for the first time, ascending."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    return np.array(list(first.values()), dtype=np.int64)


def _search(queries: Array, candidates: Array, encoded: EncodedSplit, task: Task) -> Array:
    """Index of the best candidate for each query, by the task's similarity."""
    if task.options.similarity == "cosine":
        return nearest(queries, candidates)
    k = task.options.neighbours
    different = queries[_first_rows(column(encoded.rows, "target_sentence"))]
    return nearest(
        queries, candidates, neighbour_means(queries, candidates, k), neighbour_means(candidates, different, k)
    )


def unit(vectors: Array) -> Array:
    """Rows scaled to length one; a zero row stays zero."""
    scaled: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled


def nearest(
    queries_QH: Array,
    candidates_CH: Array,
    query_means_Q: Array | None = None,
    candidate_means_C: Array | None = None,
) -> Array:
    """Index of the best candidate for each query, the lowest in a tie.

    Best by cosine; with both means by the ratio margin cos(x, y) / ((mean_x + mean_y) / 2), whose
    denominator is kept above zero.
    """
    best = np.full(len(queries_QH), -np.inf, dtype=np.float32)
    index = np.zeros(len(queries_QH), dtype=np.int64)
    for rows, columns, score in _blocks(queries_QH, candidates_CH):
        if query_means_Q is not None and candidate_means_C is not None:
            score /= np.maximum((query_means_Q[rows, None] + candidate_means_C[None, columns]) / 2, _SMALLEST)
        at = score.argmax(axis=1)
        value = score[np.arange(len(at)), at]
        better = value > best[rows]
        best[rows] = np.where(better, value, best[rows])
        index[rows] = np.where(better, at + columns.start, index[rows])
    return index


def neighbour_means(queries_QH: Array, candidates_CH: Array, k: int) -> Array:
    """Mean cosine of each query to its `k` nearest candidates (all of them where they are fewer)."""
    k = min(k, len(candidates_CH))
    top_QK = np.full((len(queries_QH), k), -np.inf, dtype=np.float32)
    for rows, _, score in _blocks(queries_QH, candidates_CH):
        known = np.concatenate([top_QK[rows], score], axis=1)
        top_QK[rows] = np.partition(known, known.shape[1] - k, axis=1)[:, known.shape[1] - k :]
    means_Q: Array = top_QK.mean(axis=1)
    return means_Q


def _blocks(queries_QH: Array, candidates_CH: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Cosines of unit vectors, a block of queries against a block of candidates at a time, candidates ascending."""
    for i in range(0, len(queries_QH), _QUERIES):
        for j in range(0, len(candidates_CH), _CANDIDATES):
            rows, columns = slice(i, i + _QUERIES), slice(j, j + _CANDIDATES)
            yield rows, columns, queries_QH[rows] @ candidates_CH[columns].T

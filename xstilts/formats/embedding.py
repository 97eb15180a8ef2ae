"""Sentence vectors and exact search among them, for retrieval, mining and the dual encoder.

A sentence's vector is *pooled* from one hidden state of the model. The task chooses the hidden
state and the pooling (`options.layer`, `options.pooling`); Tatoeba's score depends on them more
than on most trainings. So a task may ask for a *sweep*: the same forward pass also pools every
combination of `sweep_layers` and `sweep_poolings`. A combination is a *variant*; variant 0 is the
task's own.

Memory: variant 0 is kept in float32, as the model computed it, so a sweep never changes the task's
score; the others are kept as unit vectors in float16, 2 bytes per number. Tatoeba (2 x 1,000
sentences, 25 layers, 2 poolings, 1,024 wide) takes 0.2 GB, BUCC (2 x 15,000) 3 GB.

The search is exact and compares blocks of queries with blocks of candidates, so memory is bounded
by the block size. Ties go to the lowest index. An index library would save nothing at these sizes:
BUCC's 15,000 x 15,000 sentences take seconds (`tests/benchmarks/mining.py`).

`B` sentences of a batch, `L` tokens, `H` hidden width, `V` variants, `Q` queries, `C` candidates,
`K` neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xstilts.formats.common import HeadModule, attention_mask, frame, pad
from xstilts.formats.prediction import ByUse, Predicted
from xstilts.spec.format_specs.options import EmbeddingOptions, Pooling

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.spec.task import Task

_QUERIES, _CANDIDATES = 1024, 8192
_SMALLEST = 1e-6

Array = np.ndarray[Any, np.dtype[Any]]


# -- pooling


def variants(options: EmbeddingOptions, n_layers: int) -> tuple[tuple[int, Pooling], ...]:
    """`(hidden state, pooling)` of each variant, the task's own first; hidden state `n_layers` is
    the last.

    A sweep combines every layer with every pooling; a list that is left out means the task's own
    value.
    """
    own = (_resolved(options.layer, n_layers), options.pooling)
    swept = range(n_layers + 1) if options.sweep_layers == "all" else options.sweep_layers
    layers = [_resolved(layer, n_layers) for layer in swept] or [own[0]]
    poolings = [options.pooling, *options.sweep_poolings]
    return tuple(
        dict.fromkeys([own, *((layer, pooling) for pooling in poolings for layer in layers)])
    )


def _resolved(layer: int, n_layers: int) -> int:
    return n_layers if layer == -1 else layer


def content_columns(
    ids: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerBase
) -> dict[str, list[int]]:
    """Columns `content_start` and `content_end` of features: where the text is between its special
    tokens.
    """
    before, after = frame(tokenizer)
    return {
        "content_start": [len(before)] * len(ids),
        "content_end": [len(one) - len(after) for one in ids],
    }


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, and `content_mask_BL`, which leaves out special
    tokens.
    """
    ids = [feature["input_ids"] for feature in features]
    input_ids_BL = pad(ids, pad_id)
    starts, ends = (
        torch.tensor([[one[name]] for one in features]) for name in ("content_start", "content_end")
    )
    places_1L = torch.arange(input_ids_BL.shape[1])[None, :]
    content_mask_BL = ((places_1L >= starts) & (places_1L < ends)).long()
    return {
        "input_ids_BL": input_ids_BL,
        "attention_mask_BL": attention_mask(ids),
        "content_mask_BL": content_mask_BL,
    }


def pool(hidden_BLH: Tensor, batch: dict[str, Tensor], pooling: Pooling) -> Tensor:
    """`embedding_BH` in float32; the zero vector if no token of a text counts."""
    if pooling == "cls":
        return hidden_BLH[:, 0].float()
    mask_BL1 = batch["content_mask_BL" if pooling == "mean_content" else "attention_mask_BL"][
        :, :, None
    ]
    if pooling == "max":
        return hidden_BLH.float().masked_fill(mask_BL1 == 0, -torch.inf).amax(dim=1)
    weight_BL1 = mask_BL1.float()
    return (hidden_BLH.float() * weight_BL1).sum(dim=1) / weight_BL1.sum(dim=1).clamp(min=1)


class PoolingHead(HeadModule):
    """Pools hidden states into vectors; no parameters, no loss."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.variants = variants(EmbeddingOptions.of(task), config.num_hidden_layers)
        self.layers: tuple[int, ...] = tuple(dict.fromkeys(layer for layer, _ in self.variants))
        """Hidden states that `forward` gets, in this order; 0 is the embedding output."""

    def forward(self, hidden: Sequence[Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, None]:
        """`embedding_BH` in float32, or `embedding_BVH` for a sweep."""
        of_layer = dict(zip(self.layers, hidden, strict=True))
        pooled = [pool(of_layer[layer], batch, pooling) for layer, pooling in self.variants]
        return (pooled[0] if len(pooled) == 1 else torch.stack(pooled, dim=1)), None


# -- what is kept of a sweep


class SweptVectors(NamedTuple):
    """The vectors of one sentence."""

    own_H: Array
    """Variant 0, in float32, as the model computed it."""
    others_VH: Array
    """All other variants, in float16, of length one."""


def compact(vectors: Array) -> Array | SweptVectors:
    """What is kept of `vectors_H`, or of `vectors_VH` for a sweep."""
    if vectors.ndim == 1:
        return vectors
    return SweptVectors(vectors[0].copy(), unit(vectors[1:]).astype(np.float16))


def variant(kept: Sequence[Array | SweptVectors], number: int) -> list[Array]:
    """The vectors of variant `number`, float32."""
    if number:
        return [
            one.others_VH[number - 1].astype(np.float32)
            for one in kept
            if isinstance(one, SweptVectors)
        ]
    return [one.own_H if isinstance(one, SweptVectors) else one for one in kept]


def readings(predicted: ByUse, task: Task, n_layers: int) -> Iterator[tuple[dict[str, Any], ByUse]]:
    """The vectors, or for a sweep those of each variant, the task's own first."""
    options = EmbeddingOptions.of(task)
    if not (options.sweep_layers or options.sweep_poolings):
        yield {}, predicted
        return
    for number, (layer, pooling) in enumerate(variants(options, n_layers)):
        of_variant: ByUse = {
            use: Predicted(split, variant(kept, number)) for use, (split, kept) in predicted.items()
        }
        yield {"layer": layer, "pooling": pooling}, of_variant


# -- search


def unit(vectors: Array) -> Array:
    """Rows scaled to length one; a zero row stays zero."""
    scaled: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled


def margin(cosines: Array, one_means: Array, other_means: Array) -> Array:
    """Ratio margin (Artetxe and Schwenk 2019, arXiv 1811.01136, eq. 2), all arguments of one shape
    or broadcast.

    cos(x, y) divided by the mean of two means: the mean cosine of x to its k nearest, and of y to
    its k nearest. The divisor is at least 1e-6, so opposite vectors don't give infinity.
    """
    ratio: Array = cosines / np.maximum((one_means + other_means) / 2, _SMALLEST)
    return ratio


def nearest(
    queries_QH: Array,
    candidates_CH: Array,
    query_means_Q: Array | None = None,
    candidate_means_C: Array | None = None,
) -> Array:
    """Index of the best candidate for each query, by cosine of unit vectors or, if means are given,
    by `margin`.
    """
    best = np.full(len(queries_QH), -np.inf, dtype=np.float32)
    index = np.zeros(len(queries_QH), dtype=np.int64)
    for rows, columns, score in _blocks(queries_QH, candidates_CH):
        if query_means_Q is not None and candidate_means_C is not None:
            score = margin(score, query_means_Q[rows, None], candidate_means_C[None, columns])
        at = score.argmax(axis=1)
        value = score[np.arange(len(at)), at]
        better = value > best[rows]
        best[rows] = np.where(better, value, best[rows])
        index[rows] = np.where(better, at + columns.start, index[rows])
    return index


def neighbours(queries_QH: Array, candidates_CH: Array, k: int) -> tuple[Array, Array]:
    """`(cosines_QK, index_QK)` of the k nearest candidates of each query, best first.

    K is k, or C if there are fewer candidates.
    """
    k = min(k, len(candidates_CH))
    best = np.full((len(queries_QH), k), -np.inf, dtype=np.float32)
    index = np.zeros((len(queries_QH), k), dtype=np.int64)
    for rows, columns, score in _blocks(queries_QH, candidates_CH):
        values, at = _largest(score, min(k, score.shape[1]))
        places = np.concatenate([index[rows], at + columns.start], axis=1)
        best[rows], of_both = _largest(np.concatenate([best[rows], values], axis=1), k)
        index[rows] = np.take_along_axis(places, of_both, axis=1)
    return best, index


def neighbour_means(queries_QH: Array, candidates_CH: Array, k: int) -> Array:
    """Mean cosine of each query to its k nearest candidates (to all, if there are fewer)."""
    means_Q: Array = neighbours(queries_QH, candidates_CH, k)[0].mean(axis=1)
    return means_Q


def _largest(score: Array, k: int) -> tuple[Array, Array]:
    """The k largest values of each row and their columns, largest first, in a tie the lowest column
    first; overwrites `score`.
    """
    lines = np.arange(len(score))
    values, columns = [], []
    for _ in range(k):
        at = score.argmax(axis=1)
        columns.append(at)
        values.append(score[lines, at])
        score[lines, at] = -np.inf
    return np.stack(values, axis=1), np.stack(columns, axis=1)


def _blocks(queries_QH: Array, candidates_CH: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Cosines of unit vectors, for one block of queries and one block of candidates at a time,
    candidates ascending.

    The product is torch's, which respects the worker's number of threads.
    """
    queries, candidates = (
        torch.from_numpy(np.ascontiguousarray(x)) for x in (queries_QH, candidates_CH)
    )
    for i in range(0, len(queries), _QUERIES):
        for j in range(0, len(candidates), _CANDIDATES):
            rows, columns = slice(i, i + _QUERIES), slice(j, j + _CANDIDATES)
            yield rows, columns, (queries[rows] @ candidates[columns].T).numpy()


def first_rows(texts: Sequence[str]) -> Array:
    """The first row of each distinct text, ascending."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    return np.array(list(first.values()), dtype=np.int64)

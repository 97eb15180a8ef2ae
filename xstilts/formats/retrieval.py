"""Retrieval: a sentence finds its translation among the sentences of another language.

Nothing is trained. A row gives two features: side 0 is the foreign sentence, side 1 the English
one. The task chooses how tokens become a vector (`embedding.py`); the default, the mean of a hidden
state over all tokens with `<s>` and `</s>`, is that of XTREME's reference code and of Phang et al.
2020. Each *English* sentence then looks for its row among the foreign ones (XTREME's direction), by

- `cosine`: the nearest neighbour, or
- `margin`: the candidate with the highest ratio margin (Artetxe and Schwenk 2019, arXiv 1811.01136,
  eq. 2), which removes the advantage of hubs, sentences that are near to everything.

A sentence in several rows is one candidate, with the vector and the index of its first row: equal
texts tie, ties go to the lowest index, so rounding noise from padding decides nothing. A hit needs
the right *index*, so a repeated foreign sentence is a hit only for its first row (official).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.formats.common import column, encode_pairs, row_ids
from xstilts.formats.embedding import (
    Array,
    PoolingHead,
    collate,
    compact,
    content_columns,
    first_rows,
    nearest,
    neighbour_means,
    readings,
    unit,
)
from xstilts.formats.exporting import POOLED
from xstilts.formats.prediction import each_alone, one_pass
from xstilts.spec.format_specs.retrieval import RETRIEVAL, RetrievalOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

__all__ = ["Head", "collate", "decode", "encode", "exported", "predict", "readings", "tables"]

Head = PoolingHead

FOREIGN, ENGLISH = 0, 1


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Two features for each row, `side` 0 foreign and 1 English; `n_items` is 0: no loss."""
    sides = (batch["source_sentence"], batch["target_sentence"])
    texts = [text for pair in zip(*sides, strict=True) for text in pair]
    ids = encode_pairs(texts, None, tokenizer, hyper)
    return {
        "input_ids": ids,
        "row": [first_row + i // 2 for i in range(len(texts))],
        "side": [i % 2 for i in range(len(texts))],
        "n_items": [0] * len(texts),
        "length": [len(one) for one in ids],
        **content_columns(ids, tokenizer),
    }


def decode(logits: Sequence[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """One row for each pair: `id`, `prediction` (the row found) and `gold` (its own row) as text,
    `correct`.
    """
    foreign, english = _by_side(logits, encoded)
    candidates = first_rows(column(encoded.rows, "source_sentence"))
    found = candidates[_search(english, foreign[candidates], encoded, task)]
    return {
        "id": row_ids(encoded),
        "prediction": [str(row) for row in found.tolist()],
        "gold": [str(row) for row in range(len(found))],
        "correct": [int(row == own) for own, row in enumerate(found.tolist())],
    }


def _by_side(logits: Sequence[Array], encoded: EncodedSplit) -> tuple[Array, Array]:
    """Unit vectors of the foreign and of the English sentences, by row."""
    vectors = unit(np.asarray(logits, dtype=np.float32).reshape(len(logits), -1))
    rows, sides = (
        np.asarray(column(encoded.features, name), dtype=np.int64) for name in ("row", "side")
    )
    both = np.zeros((2, len(encoded.rows), vectors.shape[1]), dtype=np.float32)
    both[sides, rows] = vectors
    return both[FOREIGN], both[ENGLISH]


def _search(queries: Array, candidates: Array, encoded: EncodedSplit, task: Task) -> Array:
    """Index of the best candidate for each query, by the task's similarity."""
    options = RetrievalOptions.of(task)
    if options.similarity == "cosine":
        return nearest(queries, candidates)
    k = options.neighbours
    different = queries[first_rows(column(encoded.rows, "target_sentence"))]
    return nearest(
        queries,
        candidates,
        neighbour_means(queries, candidates, k),
        neighbour_means(candidates, different, k),
    )


# -- predicting


predict = one_pass(RETRIEVAL, collate, compact)
tables = each_alone(decode)
exported = POOLED

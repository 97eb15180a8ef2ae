"""Dual encoder: a query finds its candidates in a pool of all languages (LAReQA and Mewsli-X of
XTREME-R).

One tower encodes both: the first token through a linear layer and tanh, as in BERT's pooler, scaled
to length one. It is trained with a softmax over the candidates of the micro-batch (as in XTREME-R's
code: only query to candidate, logits = scale x cosine, the scale learned, starting at
`options.logit_scale`). Two things differ from that code. Another candidate that also answers the
query (same key or same text) does not count as wrong. And a candidate with a context is encoded as
a pair in evaluation as in training, where XTREME-R joins the two texts in evaluation.

The negatives of a query are the other candidates of its micro-batch, so `batch_size /
grad_accumulation` decides what is learned. That must not depend on the machines, so the loader
gives this format whole micro-batches and refuses several workers.

Roles: `query`, `candidate`, `key`, and the optional `candidate_pair`, the context of a candidate. A
candidate is relevant to a query with the same key, in any language; an empty key is relevant to
nothing. A row with an empty query is only a candidate, a row with an empty candidate only a query.

Scores: candidates with the same text and context are one candidate with the keys of all its rows.
AP@k is the sum of the precisions at the ranks of the relevant candidates among the first k =
`options.cut_off`, divided by min(R, k), where R counts all relevant candidates in the pool
(XTREME-R's LAReQA). The reciprocal rank is that of the first relevant candidate, 0 beyond k
(XTREME-R's Mewsli-X, there called mAP@20). Ties go to the earlier candidate. A query without a
relevant candidate in the pool scores 0.

`F` rows of a batch, `B` sequences, `L` tokens, `H` hidden width, `Q` queries, `C` candidates, `K`
ranks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from xstilts.formats.common import (
    HeadModule,
    attention_mask,
    column,
    encode_pairs,
    initialise,
    pad,
    row_ids,
)
from xstilts.formats.embedding import Array, neighbours
from xstilts.formats.exporting import Batch, Exported, opened
from xstilts.formats.prediction import ByUse, one_pass, one_reading
from xstilts.spec.format_specs.dual_encoder import DUAL_ENCODER, DualEncoderOptions

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task


QUERY, CANDIDATE = 0, 1


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """One feature for each row: ids of query and candidate, empty if it has none, and the key.

    A query is cut to `options.max_question_tokens`, a candidate to `max_length_tokens`, special
    tokens included.
    """
    longest = DualEncoderOptions.of(task).max_question_tokens
    short = hyper.model_copy(update={"max_length_tokens": longest})
    queries = _encoded(batch["query"], None, tokenizer, short)
    candidates = _encoded(batch["candidate"], batch.get("candidate_pair"), tokenizer, hyper)
    both = [[query, candidate] for query, candidate in zip(queries, candidates, strict=True)]
    return {
        "input_ids": both,
        "row": list(range(first_row, first_row + len(both))),
        "key": list(batch["key"]),
        "n_items": [int(all(pair)) for pair in both],
        "length": [sum(map(len, pair)) for pair in both],
    }


def _encoded(
    texts: list[str],
    pairs: list[str] | None,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
) -> list[list[int]]:
    """Ids of the texts (with their pairs); an empty list for an empty text."""
    there = [i for i, text in enumerate(texts) if text.strip()]
    second = None if pairs is None else [pairs[i] for i in there]
    found = dict(
        zip(there, encode_pairs([texts[i] for i in there], second, tokenizer, hyper), strict=True)
    )
    return [found.get(i, []) for i in range(len(texts))]


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `slots_F2` (places in B of query and candidate, -1 for
    none), `same_FF`.

    `same_FF[i, j]` is 1 if the candidate of row j is also right for the query of row i.
    """
    sequences: list[list[int]] = []
    slots: list[list[int]] = []
    for feature in features:
        slots.append([])
        for one in feature["input_ids"]:
            slots[-1].append(len(sequences) if one else -1)
            sequences += [one] if one else []
    keys = _numbers([feature["key"] or number for number, feature in enumerate(features)])
    texts = _numbers([tuple(feature["input_ids"][CANDIDATE]) for feature in features])
    same_FF = (keys[:, None] == keys[None, :]) | (texts[:, None] == texts[None, :])
    return {
        "input_ids_BL": pad(sequences, pad_id),
        "attention_mask_BL": attention_mask(sequences),
        "slots_F2": torch.tensor(slots, dtype=torch.int64),
        "same_FF": same_FF.long(),
    }


def _numbers(values: Sequence[Any]) -> Tensor:
    """A number for each value, the same for equal values."""
    known: dict[Any, int] = {}
    return torch.tensor([known.setdefault(value, len(known)) for value in values])


class Head(HeadModule):
    """The layer that both sides share, and the scale."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.logit_scale = nn.Parameter(torch.tensor(DualEncoderOptions.of(task).logit_scale))
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """`vectors_F2H` of length one, zero for an empty text, and the cross entropy summed over
        rows that have both texts.
        """
        vectors_BH = normalize(torch.tanh(self.dense(hidden_BLH[:, 0])).float(), dim=-1)
        there_F2 = batch["slots_F2"] >= 0
        vectors_F2H = vectors_BH[batch["slots_F2"].clamp(min=0)] * there_F2[:, :, None]
        with torch.autocast(hidden_BLH.device.type, enabled=False):
            cosines_FF = vectors_F2H[:, QUERY] @ vectors_F2H[:, CANDIDATE].T
        own_FF = torch.eye(len(cosines_FF), dtype=torch.bool, device=cosines_FF.device)
        out_FF = ~own_FF & ((batch["same_FF"] > 0) | ~there_F2[None, :, CANDIDATE])
        logits_FF = (self.logit_scale.float() * cosines_FF).masked_fill(out_FF, -torch.inf)
        rows = there_F2.all(dim=1).nonzero().squeeze(1)
        return vectors_F2H, cross_entropy(logits_FF[rows], rows, reduction="sum")


# -- scoring


def compact(vectors_2H: Array) -> Array:
    """What is kept of a feature: the vectors of its non-empty texts."""
    kept: Array = vectors_2H[vectors_2H.any(axis=1)]
    return kept


def decode(logits: Sequence[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """The table of `decode_pool` for one split, with its own candidates as the pool."""
    return decode_pool({"": logits}, {"": encoded}, task)[""]


def decode_pool(
    logits: Mapping[str, Sequence[Array]], encoded: Mapping[str, EncodedSplit], task: Task
) -> dict[str, dict[str, list[Any]]]:
    """A table for each language with one row for each query, searched among all languages'
    candidates.

    `prediction` is the key of the best candidate (if it has several, the query's own if present,
    else the first), `gold` the query's key, `relevant` is R; then `average_precision` and
    `reciprocal_rank`.
    """
    candidates_CH, keys_C = _pool(logits, encoded)
    cut_off = DualEncoderOptions.of(task).cut_off
    relevant = Counter(key for keys in keys_C for key in keys if key)
    return {
        language: _table(
            _queries(logits[language], one),
            one,
            candidates_CH,
            keys_C,
            relevant,
            cut_off,
        )
        for language, one in encoded.items()
    }


def _pool(
    logits: Mapping[str, Sequence[Array]], encoded: Mapping[str, EncodedSplit]
) -> tuple[Array, list[dict[str, None]]]:
    """`candidates_CH`, each distinct candidate once, and the keys of each."""
    number_of: dict[tuple[str, str], int] = {}
    vectors: list[Array] = []
    keys_C: list[dict[str, None]] = []
    for language, one in encoded.items():
        texts, keys = column(one.rows, "candidate"), column(one.rows, "key")
        pairs = (
            column(one.rows, "candidate_pair")
            if "candidate_pair" in one.rows.column_names
            else [""] * len(texts)
        )
        for vector, text, pair, key in zip(logits[language], texts, pairs, keys, strict=True):
            if not text.strip():
                continue
            number = number_of.setdefault((text, pair), len(vectors))
            if number == len(vectors):
                vectors.append(vector[-1])
                keys_C.append({})
            keys_C[number][key] = None
    return np.asarray(vectors, dtype=np.float32), keys_C


def _queries(logits: Sequence[Array], encoded: EncodedSplit) -> tuple[list[int], Array]:
    """`(rows, vectors_QH)` of the queries of a language."""
    rows = [row for row, text in enumerate(column(encoded.rows, "query")) if text.strip()]
    return rows, np.asarray([logits[row][0] for row in rows], dtype=np.float32)


def _table(
    queries: tuple[list[int], Array],
    encoded: EncodedSplit,
    candidates_CH: Array,
    keys_C: list[dict[str, None]],
    relevant: Mapping[str, int],
    k: int,
) -> dict[str, list[Any]]:
    rows, queries_QH = queries
    ids, keys = row_ids(encoded), column(encoded.rows, "key")
    found_QK = (
        neighbours(queries_QH, candidates_CH, k)[1]
        if rows and keys_C
        else np.zeros((len(rows), 0), np.int64)
    )
    table: dict[str, list[Any]] = {
        name: []
        for name in ("id", "prediction", "gold", "relevant", "average_precision", "reciprocal_rank")
    }
    for row, found_K in zip(rows, found_QK.tolist(), strict=True):
        key = keys[row]
        hits = [bool(key) and key in keys_C[number] for number in found_K]
        precision, reciprocal = ranked(hits, relevant.get(key, 0), k)
        first = keys_C[found_K[0]] if found_K else {"": None}
        table["id"].append(ids[row])
        table["prediction"].append(key if key in first else next(iter(first)))
        table["gold"].append(key)
        table["relevant"].append(relevant.get(key, 0))
        table["average_precision"].append(precision)
        table["reciprocal_rank"].append(reciprocal)
    return table


def ranked(hits: Sequence[bool], relevant: int, k: int) -> tuple[float, float]:
    """`(AP@k, reciprocal rank)` of a ranking's first k candidates; both 0 if none is relevant."""
    ranks = [rank for rank, hit in enumerate(hits[:k], 1) if hit]
    if not ranks:
        return 0.0, 0.0
    precisions = sum(number / rank for number, rank in enumerate(ranks, 1))
    return precisions / min(relevant, k), 1 / ranks[0]


# -- predicting


def tables(predicted: Mapping[str, ByUse], task: Task) -> dict[str, dict[str, list[Any]]]:
    """Language to the table of its test rows; the candidates of all given languages form the
    pool.
    """
    return decode_pool(
        {language: of["test"].kept for language, of in predicted.items()},
        {language: of["test"].split for language, of in predicted.items()},
        task,
    )


predict = one_pass(DUAL_ENCODER, collate, compact)
readings = one_reading


# -- exporting


def as_queries(batch: Batch) -> dict[str, Tensor]:
    """Every sequence is the query and the candidate of a row."""
    places_B = torch.arange(len(batch["input_ids_BL"]))
    return {
        "slots_F2": torch.stack([places_B, places_B], dim=1),
        "same_FF": torch.eye(len(places_B), dtype=torch.int64),
    }


def query_vectors(vectors_F2H: Tensor, loss: Tensor | None) -> Tensor:
    """The vectors of the queries."""
    return vectors_F2H[:, QUERY]


def scaled_pooler(outputs: Any, batch: Batch, task: Task) -> Tensor:
    """The class's pooler, scaled to length one."""
    return normalize(outputs.pooler_output.float(), dim=-1)


exported = Exported(
    model_class="AutoModel",
    pipeline="feature-extraction",
    use=opened(
        "AutoModel",
        "The vector of a text, query or candidate, is `pooler_output`, scaled to length one; a "
        "candidate with a context is a pair of texts.",
    ),
    layers=({"dense.": "pooler.dense."}, {"dense.": "pooler."}),
    dropped=("logit_scale",),
    more=as_queries,
    ours=query_vectors,
    theirs=scaled_pooler,
)

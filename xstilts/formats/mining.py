"""Mining: which sentences of two unaligned sets are translations of each other (BUCC 2018).

Nothing is trained. A row is a true pair, or a single sentence with the other side empty; a
sentence's id is `source_id` or `target_id` if rows have these, else its row's number. Sentences are
pooled as in retrieval (`embedding.py`) and mined as in XTREME and LASER (Artetxe and Schwenk 2019,
arXiv 1811.01136, sections 3.2 and 4.1, retrieval "max"):

1. equal sentences of a side count as one; vectors are scaled to length one;
2. for each sentence, the ratio margin scores its `options.neighbours` nearest sentences of the
   other side by cosine;
3. the best target of each source and the best source of each target are sorted by score and taken
   greedily, each sentence once; a score must be above 0;
4. a pair is predicted if its score is at least a *threshold*: on the development rows of the same
   language, the mid-point between the score of the pair at which F1 is highest and that of the next
   pair.

`mining_f1` uses that threshold. `mining_best_f1` tunes it on the scored rows themselves, as jiant
does for development data: an upper bound, not a result.

As in XTREME, if several ids of a side have the same text, a pair cannot say which of them it means:
such pairs are mined, because they use up partners, but not predicted, and their true pairs still
count as true. Where the official code fails or is undefined: after the last pair the threshold is
that pair's own score; if no true pair was mined it is 0 (official); equal scores keep the order
sources first, then targets, each by row.

`N` and `M` distinct sentences of the two sides, `H` hidden width, `K` neighbours, `P` mined pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.formats.common import column, encode_pairs
from xstilts.formats.embedding import (
    Array,
    PoolingHead,
    collate,
    compact,
    content_columns,
    first_rows,
    margin,
    neighbours,
    readings,
    unit,
)
from xstilts.formats.exporting import POOLED
from xstilts.formats.prediction import ByUse, one_pass
from xstilts.spec.format_specs.mining import MINING, MiningOptions

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

__all__ = [
    "Head",
    "collate",
    "decode",
    "decode_tuned",
    "encode",
    "predict",
    "readings",
    "tables",
]

SENTENCES = ("source_sentence", "target_sentence")
IDS = ("source_id", "target_id")
Head = PoolingHead

Pair = tuple[str, str]
"""Ids of a source and of a target sentence."""


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """A feature for each sentence; `side` is 0 for source and 1 for target, `n_items` is 0."""
    texts, rows, sides = [], [], []
    for i, pair in enumerate(zip(*(batch[role] for role in SENTENCES), strict=True)):
        for side, text in enumerate(pair):
            if text.strip():
                texts.append(text)
                rows.append(first_row + i)
                sides.append(side)
    ids = encode_pairs(texts, None, tokenizer, hyper)
    return {
        "input_ids": ids,
        "row": rows,
        "side": sides,
        "n_items": [0] * len(ids),
        "length": [len(one) for one in ids],
        **content_columns(ids, tokenizer),
    }


@dataclass(frozen=True, kw_only=True)
class MinedPairs:
    """The pairs mined in one split, and its true pairs."""

    scores: dict[Pair, float]
    """Pairs that may be predicted, with their margins, best first."""
    gold: frozenset[Pair]
    """The true pairs: rows that have both sides."""


def decode(logits: Sequence[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """The table of `decode_tuned` without development rows: every mined pair is predicted
    (threshold 0).
    """
    return _table(mined(logits, encoded, task), 0.0)


def decode_tuned(
    logits: Sequence[Array],
    encoded: EncodedSplit,
    dev_logits: Sequence[Array],
    dev_encoded: EncodedSplit,
    task: Task,
) -> dict[str, list[Any]]:
    """One row for each pair that is true, or predicted with either threshold.

    `id` (the two sentences' ids, `source|target`), `prediction` and `gold` (`yes` or `no`), `score`
    (null if the pair was not mined), `threshold`, and the statistics of both metrics.
    """
    return _table(
        mined(logits, encoded, task), tuned_threshold(mined(dev_logits, dev_encoded, task))
    )


# -- mining


def mined(logits: Sequence[Array], encoded: EncodedSplit, task: Task) -> MinedPairs:
    """The mined pairs of a split, without those of a sentence that has several ids."""
    vectors = np.asarray(logits, dtype=np.float32).reshape(len(logits), -1)
    source, target = _side(0, vectors, encoded), _side(1, vectors, encoded)
    scores = {}
    k = MiningOptions.of(task).neighbours
    for i, j, score in candidates(source.vectors_NH, target.vectors_NH, k):
        if source.alone[i] and target.alone[j]:
            scores[source.ids[i], target.ids[j]] = score
    gold = frozenset(
        (row[0], row[1])
        for row in zip(source.by_row, target.by_row, strict=True)
        if row[0] and row[1]
    )
    return MinedPairs(scores=scores, gold=gold)


@dataclass(frozen=True, kw_only=True)
class _Side:
    """The distinct sentences of a side, in the order of their first rows."""

    ids: list[str]
    alone: list[bool]
    """Whether no other id has the same text."""
    vectors_NH: Array
    by_row: list[str]
    """Each row's id, empty if the row has no sentence on this side."""


def _side(side: int, vectors: Array, encoded: EncodedSplit) -> _Side:
    texts = [text.strip() for text in column(encoded.rows, SENTENCES[side])]
    known = IDS[side] in encoded.rows.column_names
    ids = column(encoded.rows, IDS[side]) if known else [str(row) for row in range(len(texts))]
    ids_of: dict[str, set[str]] = {}
    for text, one in zip(texts, ids, strict=True):
        ids_of.setdefault(text, set()).add(one)
    rows, sides = (column(encoded.features, name) for name in ("row", "side"))
    place = {
        row: at
        for at, (row, its_side) in enumerate(zip(rows, sides, strict=True))
        if its_side == side
    }
    kept = [row for row in first_rows(texts).tolist() if texts[row]]
    return _Side(
        ids=[ids[row] for row in kept],
        alone=[len(ids_of[texts[row]]) == 1 for row in kept],
        vectors_NH=unit(vectors[[place[row] for row in kept]]),
        by_row=[one if text else "" for text, one in zip(texts, ids, strict=True)],
    )


def candidates(source_NH: Array, target_MH: Array, k: int) -> list[tuple[int, int, float]]:
    """`(source, target, margin)` of unit vectors, one to one, best first, margins above 0."""
    if not len(source_NH) or not len(target_MH):
        return []
    forward_NK, at_NK = neighbours(source_NH, target_MH, k)
    backward_MK, at_MK = neighbours(target_MH, source_NH, k)
    mean_N, mean_M = forward_NK.mean(axis=1), backward_MK.mean(axis=1)
    targets_N, score_N = _best(margin(forward_NK, mean_N[:, None], mean_M[at_NK]), at_NK)
    sources_M, score_M = _best(margin(backward_MK, mean_M[:, None], mean_N[at_MK]), at_MK)
    sources_P = np.concatenate([np.arange(len(source_NH)), sources_M]).tolist()
    targets_P = np.concatenate([targets_N, np.arange(len(target_MH))]).tolist()
    scores_P = np.concatenate([score_N, score_M]).astype(np.float64)
    used: tuple[set[int], set[int]] = (set(), set())
    taken = []
    for i in np.argsort(-scores_P, kind="stable").tolist():
        source, target, score = sources_P[i], targets_P[i], float(scores_P[i])
        if source in used[0] or target in used[1] or score <= 0:
            continue
        used[0].add(source)
        used[1].add(target)
        taken.append((source, target, score))
    return taken


def _best(margins_NK: Array, at_NK: Array) -> tuple[Array, Array]:
    """The neighbour with the highest margin (in a tie the nearer one), and that margin."""
    lines, best = np.arange(len(margins_NK)), margins_NK.argmax(axis=1)
    return at_NK[lines, best], margins_NK[lines, best]


# -- the threshold


def tuned_threshold(found: MinedPairs) -> float:
    """The threshold with the highest F1 (the first in a tie); 0 if no true pair was mined."""
    scores = list(found.scores.values())
    hits = np.cumsum([pair in found.gold for pair in found.scores])
    if not len(hits) or not hits[-1]:
        return 0.0
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + len(found.gold))
    best = int(f1.argmax())
    return (scores[best] + scores[min(best + 1, len(scores) - 1)]) / 2


def _table(found: MinedPairs, threshold: float) -> dict[str, list[Any]]:
    own = tuned_threshold(found)
    mined_pairs = [
        pair
        for pair, score in found.scores.items()
        if score >= min(threshold, own) or pair in found.gold
    ]
    missed = sorted(found.gold - found.scores.keys())
    pairs = [*mined_pairs, *missed]
    scores = [found.scores.get(pair) for pair in pairs]
    predicted, best = (
        [int(score is not None and score >= limit) for score in scores]
        for limit in (threshold, own)
    )
    gold = [int(pair in found.gold) for pair in pairs]
    return {
        "id": [f"{source}|{target}" for source, target in pairs],
        "prediction": ["yes" if one else "no" for one in predicted],
        "gold": ["yes" if one else "no" for one in gold],
        "score": scores,
        "threshold": [threshold] * len(pairs),
        "true_positives": [a * b for a, b in zip(predicted, gold, strict=True)],
        "predicted": predicted,
        "gold_pairs": gold,
        "best_true_positives": [a * b for a, b in zip(best, gold, strict=True)],
        "best_predicted": best,
    }


# -- predicting


def tables(predicted: Mapping[str, ByUse], task: Task) -> dict[str, dict[str, list[Any]]]:
    """Language to the table of its test rows, with the threshold tuned on its development rows."""
    return {
        language: decode_tuned(
            of["test"].kept, of["test"].split, of["dev"].kept, of["dev"].split, task
        )
        for language, of in predicted.items()
    }


predict = one_pass(MINING, collate, compact)
exported = POOLED

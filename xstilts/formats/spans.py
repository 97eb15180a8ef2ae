"""From the tokens' start and end scores to one span of characters for each question.

All windows of a split are searched in blocks of a few hundred, as arrays: `n_best` starts times
`n_best` ends of each window, where an end must not come before its start and a span must not be
longer than `max_answer_tokens`. The pair with the highest sum of logits over all windows of a
question wins; in a tie the earlier window, then the earlier start, then the earlier end. If no
window has such a pair, all pairs of the windows are searched, so a question has an answer if its
context has any token. Logits that are not finite count as a very low (or high) number, so a
diverged model does not fail here.

The arrays hold only context tokens. A token of only white space has an empty span and can be
neither start nor end.

The score of *no answer* is the start plus the end logit of a window's first token, on which windows
without an answer train. A question's score is the lowest of its windows, since one window with the
answer is enough (Devlin et al. 2019, section 4.3; the minimum is from BERT's released code).

`F` features (windows) of a block, `T` context tokens of its longest one, `K` candidates,
`P = K * K` pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xstilts.spec.format_specs.span_qa import SpanQAOptions

_BLOCK = 512
_FLOOR = -1e30

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class BestSpans:
    """The best span of each row; arrays with one entry for each row."""

    begin: Array
    """First character; 0 if a row has no span."""
    end: Array
    """Character after the last one; 0 if a row has no span."""
    no_answer_margin: Array
    """Score of "no answer" minus that of the span; infinite if a row has no span."""


def answers(logits: list[Array], features: Any, n_rows: int, options: SpanQAOptions) -> BestSpans:
    """The best span of each row over its windows.

    `logits` has one (at least length, 2) array for each feature; `features` is a dataset with the
    columns `row`, `context_start` (position of the first context token in the input) and `offsets`.
    """
    table = features.select_columns(["row", "context_start", "offsets"]).with_format("arrow")
    parts = [
        _block_spans(logits[at : at + _BLOCK], table[at : at + _BLOCK], options)
        for at in range(0, len(logits), _BLOCK)
    ]
    row, rank, score, null, begin, end = (
        np.concatenate(parts, axis=1) if parts else np.zeros((6, 0))
    )
    rows = row.astype(np.int64)
    # Ascending by (rank, score, earliest feature last): a later assignment wins.
    order = np.lexsort((-np.arange(len(row)), score, rank))
    chosen = np.zeros((3, n_rows))
    chosen[2] = -np.inf
    chosen[:, rows[order]] = np.stack([begin[order], end[order], score[order]])
    lowest = np.full(n_rows, np.inf)
    np.minimum.at(lowest, rows, null)
    return BestSpans(
        begin=chosen[0].astype(np.int64),
        end=chosen[1].astype(np.int64),
        no_answer_margin=lowest - chosen[2],
    )


def _block_spans(logits: list[Array], table: Any, options: SpanQAOptions) -> Array:
    """(6, features): row; rank; score; score of no answer; character begin; character end.

    The rank is 2 for a span of the n best, 1 for a span of all pairs, 0 for no span.
    """
    offsets, counts = _ragged(table.column("offsets"))
    n_tokens = counts // 2
    inside = np.arange(max(1, n_tokens.max()))[None, :] < n_tokens[:, None]
    spans = np.zeros((*inside.shape, 2), dtype=np.int64)
    spans[inside] = offsets.reshape(-1, 2)
    scores = np.full((*inside.shape, 2), -np.inf, dtype=np.float32)
    for i, at in enumerate(table.column("context_start").to_pylist()):
        scores[i, : n_tokens[i]] = logits[i][at : at + n_tokens[i]]
    scores[inside] = _finite(scores[inside])
    scores[spans[:, :, 1] <= spans[:, :, 0]] = -np.inf
    null = _finite(np.array([one[0] for one in logits], dtype=np.float32)).sum(axis=1)
    rank, best, first, last = _best(scores[:, :, 0], scores[:, :, 1], options)
    here = np.arange(len(first))
    begin, end = (
        np.where(rank > 0, spans[here, first, 0], 0),
        np.where(rank > 0, spans[here, last, 1], 0),
    )
    return np.stack([table.column("row").to_numpy(), rank, best, null, begin, end]).astype(
        np.float64
    )


def _finite(logits: Array) -> Array:
    return np.nan_to_num(logits, nan=_FLOOR, posinf=-_FLOOR, neginf=_FLOOR)


def _ragged(column: Any) -> tuple[Array, Array]:
    """An Arrow list column as its flat values and the number of values of each entry."""
    lists = column.combine_chunks()
    counts = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    return lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64), counts


def _best(start_FT: Array, end_FT: Array, options: SpanQAOptions) -> tuple[Array, ...]:
    """Rank, score, first and last token of the best pair of each window."""
    score, first, last = best_of_n(start_FT, end_FT, options.n_best, options.max_answer_tokens)
    rank = np.where(np.isfinite(score), 2, 0)
    lost = np.flatnonzero(rank == 0)
    if len(lost):
        score[lost], first[lost], last[lost] = best_of_all(
            start_FT[lost], end_FT[lost], options.max_answer_tokens
        )
        rank[lost] = np.isfinite(score[lost])
    return rank, score, first, last


def best_of_n(start_FT: Array, end_FT: Array, n_best: int, longest: int) -> tuple[Array, ...]:
    """Score, first, last of the best valid pair among the `n_best` starts and ends; without one the
    score is -inf.

    A logit of -inf marks a token that can be neither. Ties: earliest start, then earliest end.
    """
    k = min(n_best, start_FT.shape[1])
    first_FK, last_FK = (
        np.sort(np.argpartition(-logits_FT, k - 1, axis=1)[:, :k], axis=1)
        for logits_FT in (start_FT, end_FT)
    )
    start_FK = np.take_along_axis(start_FT, first_FK, axis=1)
    end_FK = np.take_along_axis(end_FT, last_FK, axis=1)
    score_FKK = start_FK[:, :, None] + end_FK[:, None, :]
    length_FKK = last_FK[:, None, :] - first_FK[:, :, None] + 1
    score_FKK[(length_FKK < 1) | (length_FKK > longest)] = -np.inf
    score_FP = score_FKK.reshape(len(score_FKK), k * k)
    pair = score_FP.argmax(axis=1)
    here = np.arange(len(pair))
    return score_FP[here, pair], first_FK[here, pair // k], last_FK[here, pair % k]


def best_of_all(start_FT: Array, end_FT: Array, longest: int) -> tuple[Array, ...]:
    """As `best_of_n`, over all pairs: one pass for each length; in a tie the shorter span wins."""
    here = np.arange(len(start_FT))
    best = np.full(len(here), -np.inf, dtype=start_FT.dtype)
    first, last = np.zeros(len(here), dtype=np.int64), np.zeros(len(here), dtype=np.int64)
    for more in range(min(longest, start_FT.shape[1])):
        score = start_FT[:, : start_FT.shape[1] - more] + end_FT[:, more:]
        at = score.argmax(axis=1)
        better = score[here, at] > best
        best[better], first[better], last[better] = (
            score[here, at][better],
            at[better],
            at[better] + more,
        )
    return best, first, last

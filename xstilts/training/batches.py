"""Which rows make which update: all batches of a phase, planned before it starts.

A *plan* is a table of feature numbers with one line for each update, made only from the lengths of
the features and the seed. So the step number is the position in the data (a resumed phase continues
where it stopped), the loss items of an update are known before it runs, and the number of workers
changes nothing: each worker takes its slices of the same global batch.

Rows are drawn without replacement, epoch after epoch; rows left over at the end of an epoch begin
the next batch. Rows share a batch at random: batches of similar lengths would need less padding,
but would give short sentences more weight than long ones, which hurts tagging (8% more loss after
60 updates on udpos). Padding is saved inside the batch instead: it is cut into *chunks* of similar
length, which are computed one after the other and summed before the update.

Each batch of a mixture comes from one member, so one head works at a time; over the phase each
member gets its rate of the updates, to within one update, in random order. The rows of a member
with several training languages may be drawn at a rate for each language (`Strata`); a batch then
holds several languages.

`U` updates, `N` features in one global batch, `F` features of a member, `S` strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts.errors import PhaseError
from xstilts.spec.rates import exact_counts, member_rates
from xstilts.spec.seeds import subseed
from xstilts.spec.sweep import Rates

ROUND = 8
"""Padding rounds lengths up to a multiple of this."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class Strata:
    """Parts of a member's features (its training languages) that are drawn each at its own rate."""

    number_F: Array
    """Which part each feature belongs to, from 0."""
    rate_S: Array
    """Each part's share of the draws; the shares add up to 1."""


@dataclass(frozen=True, kw_only=True)
class MemberRows:
    """What planning needs to know of one member's encoded training rows."""

    lengths: Array
    """Tokens of each feature."""
    n_items: Array
    """Loss items of each feature."""
    n_rows: int
    """Rows of the source from which the features were made; the weight in proportional rates."""
    strata: Strata | None = None
    """None: all rows are equally likely."""


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Every global batch of a phase, in order."""

    rows_UN: Array
    """Feature numbers, longest first inside each batch."""
    member_U: Array
    """Which member each batch comes from."""
    n_items_U: Array
    """Loss items of each update; the divisor of its loss."""
    tokens_U: Array
    """Tokens in each update, without padding."""

    def __len__(self) -> int:
        return len(self.member_U)

    def shares(self, update: int, world: int, accumulation: int) -> list[list[Array]]:
        """`[rank][micro-batch]` to positions in the global batch, each of which occurs once.

        Rows go to ranks in turn, so all get similar numbers and lengths; each rank cuts its rows
        into micro-batches of similar length. A batch smaller than `world * accumulation` leaves
        some shares empty.
        """
        places = np.arange(self.rows_UN.shape[1])
        return [np.array_split(places[rank::world], accumulation) for rank in range(world)]


def chunks(lengths: Array, overhead: int) -> list[tuple[int, int]]:
    """`[first, end)` of the cheapest cut into chunks of rows that are sorted longest first.

    A chunk costs its tokens after padding plus `overhead`, the cost of starting it, in tokens. The
    cut is optimal, by dynamic programming over the positions where the padded length changes.
    """
    padded = np.maximum(1, -(-np.asarray(lengths) // ROUND)) * ROUND
    starts = [0, *(np.flatnonzero(np.diff(padded)) + 1).tolist(), len(padded)]
    longest = [int(padded[start]) for start in starts[:-1]]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(starts)):
        costs = [
            (best[first][0] + (starts[end] - starts[first]) * longest[first] + overhead, first)
            for first in range(end)
        ]
        best.append(min(costs))
    cuts, at = [], len(starts) - 1
    while at:
        cuts.append((starts[best[at][1]], starts[at]))
        at = best[at][1]
    return cuts[::-1]


def plan_batches(
    members: Sequence[MemberRows],
    *,
    seed: int,
    steps: int,
    batch_size: int,
    rates: str | Sequence[float] | Rates = "proportional",
    names: Sequence[str] = (),
) -> BatchPlan:
    """The batches of a phase; `names` are the members' names, for `Rates.fixed`.

    Raises PhaseError if a member has no rows or the rates do not fit.
    """
    for number, member in enumerate(members):
        if not len(member.lengths):
            raise PhaseError(
                f"member {number} of the phase has no training rows; check its train split "
                "and limits"
            )
    member_U = _members(
        member_rates([member.n_rows for member in members], rates, names), steps, seed
    )
    rows_UN = np.zeros((steps, batch_size), dtype=np.int32)
    n_items_U, tokens_U = np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.int64)
    for number, member in enumerate(members):
        mine = member_U == number
        rng = np.random.default_rng(subseed(seed, "rows", number))
        if not mine.any():
            continue
        rows = _batches(member, batch_size, int(mine.sum()), rng)
        rows_UN[mine] = rows
        n_items_U[mine] = np.asarray(member.n_items)[rows].sum(axis=1)
        tokens_U[mine] = np.asarray(member.lengths)[rows].sum(axis=1)
    return BatchPlan(rows_UN=rows_UN, member_U=member_U, n_items_U=n_items_U, tokens_U=tokens_U)


# -- drawing


def _members(rates: Array, steps: int, seed: int) -> Array:
    """Member of each update: exact shares, in random order."""
    member_U = np.repeat(np.arange(len(rates), dtype=np.int16), exact_counts(rates, steps))
    return np.random.default_rng(subseed(seed, "members")).permutation(member_U)


def _batches(member: MemberRows, batch_size: int, count: int, rng: np.random.Generator) -> Array:
    """`count` batches of feature numbers, longest first inside each."""
    lengths = np.asarray(member.lengths)
    drawn = count * batch_size
    stream = (
        _epochs(len(lengths), drawn, rng)
        if member.strata is None
        else _stratified(member.strata, drawn, rng)
    )
    rows_UN = stream.reshape(count, batch_size)
    order_UN = np.argsort(-lengths[rows_UN], axis=1, kind="stable")
    return np.take_along_axis(rows_UN, order_UN, axis=1)


def _epochs(n: int, count: int, rng: np.random.Generator) -> Array:
    """`count` of the numbers below `n`, epoch after epoch, each epoch in its own order."""
    return np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]


def _stratified(strata: Strata, count: int, rng: np.random.Generator) -> Array:
    """`count` feature numbers: exact shares for the parts, in random order; each part epoch after
    epoch.
    """
    shares_S = exact_counts(strata.rate_S, count)
    part = rng.permutation(np.repeat(np.arange(len(shares_S)), shares_S))
    stream = np.empty(count, dtype=np.int64)
    for number, share in enumerate(shares_S.tolist()):
        mine = np.flatnonzero(strata.number_F == number)
        if share:
            stream[part == number] = mine[_epochs(len(mine), share, rng)]
    return stream

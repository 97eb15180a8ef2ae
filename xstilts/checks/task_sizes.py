"""How many rows a task has for each use, from its card alone: no data is read.

Cuts and limits of the task count, so that `train[:90%]` is nine tenths of what the card says. A
number is a range where languages differ or where the card knows no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xstilts.checks.audit.cards import words
from xstilts.spec import splits
from xstilts.spec.task import Task, Use
from xstilts.tasks.card import Rows
from xstilts.tasks.cards import card_of


@dataclass(frozen=True, kw_only=True)
class Size:
    """Rows of one use in each language."""

    low: int
    high: int
    languages: int
    unverified: bool = False
    """Whether a number is from memory."""

    @property
    def text(self) -> str:
        """`392,702`, `5,010 each`, `47 to 20,436 each`."""
        return words(self.low, self.high, self.languages)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**vars(self), "text": self.text}


def size(task: Task, use: Use) -> Size | None:
    """The rows of a use; None where the task has no such split or no card says. A union is the sum
    of its parts.
    """
    if not task.has(use):
        return None
    found = [_of_leaf(leaf, use) for leaf in task.leaves]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    low, high = sum(one.low for one in known), sum(one.high for one in known)
    limit = getattr(task.limits, use)
    return Size(
        low=min(low, limit) if limit else low,
        high=min(high, limit) if limit else high,
        languages=max(one.languages for one in known),
        unverified=any(one.unverified for one in known),
    )


def _of_leaf(task: Task, use: Use) -> Size | None:
    spans, unverified = [], False
    for language in task.languages_of(use):
        low = high = 0
        for piece in splits.parse(getattr(task.splits, use)):
            whole = _whole(task, piece.name)
            if whole is None:
                return None
            least, most = (_length(piece, rows) for rows in whole.expected(language))
            low, high, unverified = low + least, high + most, unverified or whole.unverified
        spans.append((low, high))
    return Size(
        low=min(low for low, _ in spans),
        high=max(high for _, high in spans),
        languages=len(spans),
        unverified=unverified,
    )


def _length(piece: splits.Piece, rows: int) -> int:
    start, stop = piece.span(rows)
    return stop - start


def _whole(task: Task, split: str) -> Rows | None:
    """Rows of a whole split of the source, by the generator's own table or the card."""
    if task.source.generator is not None:
        from xstilts.tasks.generator import SIZES

        count = SIZES.get(task.source.generator, {}).get(split)
        return None if count is None else Rows(low=count, high=count)
    card = card_of(task)
    return card.rows.get(split) if card else None

"""Which rows a split expression means.

A task names its splits by use (`train`, `dev`, `test`); each is an expression over the source's own
splits. A split that the source lacks is cut out of another one. The same expression gives the same
rows on every machine:

    validation              the whole split
    validation[:80%]        its first 80 percent
    validation[80%:]        the rest: the two have no row in common, and together they are the split
    validation[100:200]     rows 100 to 199
    train+validation[:50%]  one after the other

Rows keep the order of the source; nothing is shuffled. A percentage of `n` rows is rounded down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from xstilts.errors import DataError

_PIECE = re.compile(
    r"^(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?:\[(?P<start>[^:\[\]]*):(?P<stop>[^:\[\]]*)\])?$"
)
_BOUND = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<percent>%?)$")
_GRAMMAR = "must be `name`, `name[:80%]`, `name[80%:]`, `name[100:200]`, or several joined by `+`"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One end of a cut: a row number, or a share of the rows."""

    value: Fraction
    """Rows, or a share from 0 to 1."""
    share: bool

    def row(self, n_rows: int) -> int:
        """The row number in a split of `n_rows`, at most `n_rows`."""
        return min(n_rows, floor(self.value * n_rows) if self.share else int(self.value))


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A split of the source, or a cut of it."""

    name: str
    start: Bound | None = None
    stop: Bound | None = None

    def span(self, n_rows: int) -> tuple[int, int]:
        """The first row and the one after the last, in a split of `n_rows`; the two are equal where
        the piece is empty.
        """
        start = self.start.row(n_rows) if self.start else 0
        stop = self.stop.row(n_rows) if self.stop else n_rows
        return start, max(start, stop)


def parse(expression: str) -> tuple[Piece, ...]:
    """The pieces of a split expression, in order; DataError where it is not one."""
    return tuple(_piece(part.strip(), expression) for part in expression.split("+"))


def names(expression: str) -> tuple[str, ...]:
    """The source's splits that an expression reads, each once, in order."""
    return tuple(dict.fromkeys(piece.name for piece in parse(expression)))


def _piece(text: str, expression: str) -> Piece:
    match = _PIECE.match(text)
    if match is None:
        raise DataError(f"split `{expression}` is not an expression; {_GRAMMAR}")
    start, stop = _bound(match["start"], expression), _bound(match["stop"], expression)
    if start and stop and start.share == stop.share and start.value >= stop.value:
        raise DataError(
            f"split `{expression}` cuts nothing out: its start must come before its end"
        )
    return Piece(name=match["name"], start=start, stop=stop)


def _bound(text: str | None, expression: str) -> Bound | None:
    if text is None or not text.strip():
        return None
    match = _BOUND.match(text.strip())
    if match is None or (not match["percent"] and "." in match["number"]):
        raise DataError(
            f"split `{expression}`: `{text}` is not a row number or a percentage; {_GRAMMAR}"
        )
    value = Fraction(match["number"])
    if match["percent"] and value > 100:
        raise DataError(f"split `{expression}`: `{text}` is more than 100%")
    return Bound(value=value / 100 if match["percent"] else value, share=bool(match["percent"]))

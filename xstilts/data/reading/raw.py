"""What every reader returns, rows as a source holds them, and how readers read text files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class Absent(DataError):
    """Data that does not exist here and has to be fetched or made."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as a source holds them."""

    table: pa.Table
    """The columns that were asked for and exist."""
    columns: tuple[str, ...]
    """All columns of the source."""
    classes: Mapping[str, tuple[str, ...]]
    """Column to the label names that the source states for its ids."""
    hidden: frozenset[str] = frozenset()
    """Those of `classes` in which a null is a hidden label, which the source writes as -1."""
    untyped: bool = False
    """Whether every value is text (CSV), so that a label `1` may be an id."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What the files hold and the rows do not, in words, to how many."""
    first: int = 1
    """Number of the first row among those of the split, counted from 1."""

    def sliced(self, start: int, stop: int) -> Raw:
        """Rows from `start` up to `stop`, which is not included."""
        table = self.table.slice(start, stop - start)
        return replace(self, table=table, first=self.first + start)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """`(line number from 1, text without its line end)`."""
    with reading_text(path), open(path, encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            yield number, line.rstrip("\r\n")


@contextmanager
def reading_text(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a text file is read into DataError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error

"""What every reader returns, rows as a source holds them, and how readers read text files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """Rows as a source holds them.

    Columns have few types, whatever the file's: string (valid UTF-8), int64, float64 (finite),
    bool, list and struct of these; a missing value is null (`plain.py`). Ids for which the source
    states names are names already, each file's by its own table.
    """

    table: pa.Table
    """The columns that were asked for and exist; if there are none, a column of nulls, so that rows
    can be counted.
    """
    columns: tuple[str, ...]
    """All columns of the source."""
    classes: Mapping[str, tuple[str, ...]]
    """Column, or field of a struct (`answers.kind`), to the label names that the source states, in
    the order in which its files name them. Such columns hold the names.
    """
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


def selected(columns: Mapping[str, pa.Array], names: tuple[str, ...], rows: int) -> pa.Table:
    """A table of `columns`; if there are none, `rows` nulls under the first of `names`."""
    import pyarrow as pa

    return pa.table(dict(columns) or {(names or ("",))[0]: pa.nulls(rows)})


def shown(text: str) -> str:
    """The beginning of a line for messages, its white space made visible (`\\t`, `\\xa0`)."""
    return repr(text[:60])[1:-1]


def text_of(path: Path) -> str:
    """A text file, without its byte order mark.

    Raises DataError if it can't be read, is not UTF-8, or holds NUL, with the line.
    """
    try:
        held = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if held.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}: is UTF-16 text; save it as UTF-8")
    try:
        text = held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = held.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: not UTF-8 text ({error.reason}, byte {held[error.start]:#04x}); save "
            "it as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"{path}:{line}: holds a NUL character, so it is no text or is UTF-16; save it as UTF-8"
        )
    return text


def line_end(text: str) -> str:
    """What ends a line: a carriage return where there is no line feed at all."""
    return "\r" if "\r" in text and "\n" not in text else "\n"


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """`(line number from 1, text without its line end)`; lines end with LF, CR LF, or, where a file
    has no LF, with CR, and with nothing else.
    """
    text = text_of(path)
    held = text.split(line_end(text))
    for number, line in enumerate(held if held[-1] else held[:-1], start=1):
        yield number, line.rstrip("\r")

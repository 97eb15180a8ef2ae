"""CSV and TSV with a header line: what is a row, and what is a value. Every value is text.

A CSV follows RFC 4180: a value that begins with a quote ends with one, with quotes inside doubled,
and may hold commas and line ends; a quote inside any other value is a character. A quote that is
opened and not closed, or closed in the middle of a value, is an error with its line.

A TSV mostly comes from programs that never quote, where a quote is a character anywhere. So quotes
are read as in a CSV only if every value that has one is quoted (begins and ends with it, others
doubled): a program that quotes does so wherever there is a quote. Otherwise, quotes are characters.

A file that can be read both ways, with different numbers of rows, is an error with the line. So is
a row with more or fewer values than the header. An empty line is no row, except between the rows of
a single column, where it is an empty value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from xstilts.data.reading.raw import Raw, line_end, selected, shown, text_of
from xstilts.errors import DataError

_Record = tuple[int, list[str]]
"""Line number, and the values; none on an empty line."""
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


def read_delimited(path: Path, columns: Sequence[str]) -> Raw:
    """The rows of a CSV, or of a TSV if its suffix is `.tsv`; every value is text, also `NA`, and
    an empty one is the empty text. DataError with the line.
    """
    import pyarrow as pa

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header, *rows = _records(path, delimiter)
    names = header[1]
    values = [row for _, row in rows]
    wanted = {name: names.index(name) for name in names if name and name in columns}
    found = {name: pa.array([row[i] for row in values], pa.string()) for name, i in wanted.items()}
    known = tuple(name for name in names if name)
    table = selected(found, known, len(values))
    return Raw(table=table, columns=known, classes={}, untyped=True)


def _records(path: Path, delimiter: str) -> list[_Record]:
    """The header and the rows, all of the same width."""
    text = text_of(path)
    if line_end(text) == "\r":
        text = text.replace("\r", "\n")
    plain = _plain(text, delimiter)
    header = next((values for _, values in plain if values), None)
    if header is None:
        raise DataError(f"{path}: is empty; must have a header line")
    _require_delimiter(header, delimiter, path)
    if '"' not in text:
        return _checked(plain, path)
    return _tsv(text, plain, path) if delimiter == "\t" else _csv(text, plain, path)


def _csv(text: str, plain: list[_Record], path: Path) -> list[_Record]:
    found = _checked(_quoted(text, ",", path), path)
    if len(found[0][1]) > 1:  # without a comma, each line is a row of a single column
        _require_one_reading(found, plain, path)
    return found


def _tsv(text: str, plain: list[_Record], path: Path) -> list[_Record]:
    try:
        quoted = _checked(_quoted(text, "\t", path), path)
    except DataError:  # then nobody quoted here
        return _checked(plain, path)
    _require_one_reading(quoted, plain, path)
    return quoted


def _require_one_reading(quoted: list[_Record], plain: list[_Record], path: Path) -> None:
    """DataError if lines are rows without quoting too, and more of them."""
    if not _even(plain) or len(_rows(plain)) == len(quoted):
        return
    starts = {line for line, _ in quoted}
    inside = next(line for line, _ in _rows(plain) if line not in starts)
    opened = max(line for line in starts if line < inside)
    raise DataError(
        f"{path}:{opened}: opens a quote that a later line closes; is it one value of several "
        "lines, or are these rows and the quotes characters? Write the file as JSON lines"
    )


def _plain(text: str, delimiter: str) -> list[_Record]:
    """Lines split at the delimiter, quotes being characters."""
    held = (line.removesuffix("\r") for line in text.split("\n"))
    return [(n, line.split(delimiter) if line else []) for n, line in enumerate(held, start=1)]


def _quoted(text: str, delimiter: str, path: Path) -> list[_Record]:
    """Records whose values may be quoted."""
    records: list[_Record] = []
    place, line, quote = 0, 1, text.find('"')
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if quote >= 0 and quote < place:
            quote = text.find('"', place)
        if quote < 0 or quote > end:
            held = text[place:end].removesuffix("\r")
            records.append((line, held.split(delimiter) if held else []))
            place, line = end + 1, line + 1
        else:
            values, after = _record(text, place, delimiter, f"{path}:{line}")
            records.append((line, values))
            place, line = after, line + text.count("\n", place, after)
    return records


def _record(text: str, place: int, delimiter: str, at: str) -> tuple[list[str], int]:
    """The values of the record that begins at `place`, and where the next one begins."""
    values = []
    while True:
        quoted = _QUOTED.match(text, place)
        if quoted:
            value, place = quoted[1].replace('""', '"'), quoted.end()
            if text.startswith("\r", place) and text[place + 1 : place + 2] in ("\n", ""):
                place += 1
        elif text.startswith('"', place):
            raise DataError(f"{at}: opens a quote that is not closed; double a quote in a value")
        else:
            ends = [text.find(mark, place) for mark in (delimiter, "\n")]
            end = min((one for one in ends if one >= 0), default=len(text))
            value, place = text[place:end], end
            value = value if text.startswith(delimiter, end) else value.removesuffix("\r")
            if delimiter == "\t" and '"' in value:
                raise DataError(f"{at}: has a quote in a value that is not quoted")
        values.append(value)
        mark = text[place : place + 1]
        if mark not in (delimiter, "\n", ""):
            raise DataError(
                f"{at}: a quote closes before `{shown(text[place : place + 20])}`; a value that "
                "begins with a quote ends with one, and a quote inside is doubled"
            )
        place += 1
        if mark != delimiter:
            return values, place


def _rows(records: Iterable[_Record]) -> list[_Record]:
    """Header and rows, without the empty lines that are none."""
    held = list(records)
    while held and not held[-1][1]:
        held.pop()
    first = next((i for i, (_, values) in enumerate(held) if values), 0)
    held = held[first:]
    if held and len(held[0][1]) == 1:
        return [(line, values or [""]) for line, values in held]
    return [(line, values) for line, values in held if values]


def _even(records: Iterable[_Record]) -> bool:
    """Whether all rows have the same number of values."""
    return len({len(values) for _, values in _rows(records)}) == 1


def _checked(records: Iterable[_Record], path: Path) -> list[_Record]:
    """Header and rows; DataError if one of them has another width, or the header a name twice."""
    held = _rows(records)
    names = held[0][1]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{path}: two columns have the same name, `{twice}`; the header is {', '.join(names)}"
        )
    for line, values in held:
        if len(values) != len(names):
            raise DataError(
                f"{path}:{line}: has {len(values)} values, but the header has {len(names)} "
                f"({', '.join(names)[:80]}); a value with a separator in it needs quotes"
            )
    return held


def _require_delimiter(header: Sequence[str], delimiter: str, path: Path) -> None:
    """DataError if the header is one value that holds another separator."""
    for mark, name in ((";", "`;`"), ("|", "`|`"), ("\t", "tabs"), (",", "commas")):
        if len(header) == 1 and mark != delimiter and mark in header[0]:
            must = "tabs" if delimiter == "\t" else "commas"
            help_ = {"\t": "name it .tsv", ",": "name it .csv"}.get(mark, f"save it with {must}")
            raise DataError(
                f"{path}: values are separated by {name}, a {path.suffix or 'CSV'} file must have "
                f"{must}; {help_}"
            )

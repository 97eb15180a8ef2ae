"""JSON lines: one object on each line; or one array of objects.

Values keep their types: `1`, `"1"` and `true` are three values, and a column holds values of one
type (whole and other numbers are both numbers). A key that a row lacks is a null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.data.reading.json_text import NotJSON, decoded
from xstilts.data.reading.plain import plain
from xstilts.data.reading.raw import Raw, line_end, selected, text_of
from xstilts.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The objects of a file, and what to call each."""

    objects: list[dict[str, Any]]
    places: Sequence[str]


def read_json_lines(path: Path, columns: Sequence[str]) -> Raw:
    """The rows of a file; DataError with the line, or the item of the array, and the column."""
    rows = _rows(path)
    names = tuple(dict.fromkeys(name for row in rows.objects for name in row))
    for name in names:
        if not _is_text(name):
            raise DataError(f"{path}: a key, {name!r}, is half of a character; fix the export")
    found = {
        name: plain(_column([row.get(name) for row in rows.objects], name, rows), name, str(path))
        for name in names
        if name in columns
    }
    return Raw(table=selected(found, names, len(rows.objects)), columns=names, classes={})


def _rows(path: Path) -> _Rows:
    text = text_of(path)
    if not text.strip():
        raise DataError(f"{path}: is empty; must have one JSON object on each line")
    if text.lstrip().startswith("["):
        try:
            return _items(decoded(text, str(path)), path)
        except NotJSON as error:
            if "Extra data" not in str(error):
                raise
    objects, places = [], []
    for number, line in enumerate(text.split(line_end(text)), start=1):
        if line.strip():
            try:
                objects.append(_row(decoded(line, f"{path}:{number}"), f"{path}:{number}"))
            except NotJSON as error:
                if objects or not line.startswith("{"):
                    raise NotJSON(f"{error}; must be one object on each line") from error
                raise _document(decoded(text, str(path)), path) from error
            places.append(f"{path}:{number}")
    if len(objects) == 1 and (_squad(objects[0]) or _by_columns(objects[0])):
        raise _document(objects[0], path)
    return _Rows(objects=objects, places=places)


def _items(array: Any, path: Path) -> _Rows:
    places = [f"{path}, item {number} of its array" for number in range(1, len(array) + 1)]
    rows = [_row(item, at) for item, at in zip(array, places, strict=True)]
    return _Rows(objects=rows, places=places)


def _row(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(
            f"{at}: is a JSON {type(value).__name__}; must be one object on each line, or one "
            "array of objects"
        )
    if not value:
        raise DataError(f"{at}: is an object without a key; must have the row's values")
    return value


# -- files that hold something else


def _document(value: Any, path: Path) -> DataError:
    """What to say of a file that is one object and not rows."""
    if _squad(value):
        kind = "xquad_r" if "sentence_breaks" in str(value["data"][0])[:100_000] else "squad_json"
        return DataError(f"{path}: is a SQuAD document, not rows; set `file_format: {kind}`")
    if _by_columns(value):
        return DataError(
            f"{path}: is written by columns; write it by rows: "
            '`to_json(path, orient="records", lines=True)`'
        )
    return DataError(
        f"{path}: is one JSON object; must be one object on each line, or one array of objects"
    )


def _squad(value: Any) -> bool:
    """Whether it is SQuAD's `{data: [{paragraphs: [..]}]}`."""
    articles = value.get("data") if isinstance(value, Mapping) else None
    first = articles[0] if isinstance(articles, list) and articles else None
    return isinstance(first, Mapping) and "paragraphs" in first


def _by_columns(value: Any) -> bool:
    """Whether it is pandas' `{column: {"0": value, "1": value}}`."""
    return isinstance(value, Mapping) and all(
        isinstance(column, Mapping) and "0" in column for column in value.values()
    )


# -- columns


def _column(values: list[Any], name: str, rows: _Rows) -> pa.Array:
    import pyarrow as pa

    try:
        found = pa.array(values)
        if "double" not in str(found.type) or not any(map(_holds_truth, values)):
            return found
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        pass
    raise _mixed(values, name, rows)


def _holds_truth(value: Any) -> bool:
    """Whether there is a truth value in it, which pyarrow takes for a number beside numbers."""
    if isinstance(value, list):
        return any(map(_holds_truth, value))
    if isinstance(value, dict):
        return any(map(_holds_truth, value.values()))
    return isinstance(value, bool)


def _mixed(values: list[Any], name: str, rows: _Rows) -> DataError:
    """An error for the first row that does not go with those before it."""
    place = _first_wrong(values)
    at, value = f"{rows.places[place]}: column `{name}`", values[place]
    if not _fits([value]):
        return DataError(f"{at} {_alone(value)}")
    before = next((i for i in range(place) if values[i] is not None), place)
    return DataError(
        f"{at} holds {_short(value)}, and in {rows.places[before].rpartition('/')[2]} "
        f"{_short(values[before])}; a column mixes types: use one type in each column"
    )


def _first_wrong(values: list[Any]) -> int:
    """The place of the first value with which those up to it are no column."""
    good, wrong = 0, len(values)
    while wrong - good > 1:
        middle = (good + wrong) // 2
        good, wrong = (middle, wrong) if _fits(values[:middle]) else (good, middle)
    return wrong - 1


def _fits(values: list[Any]) -> bool:
    import pyarrow as pa

    try:
        kind = str(pa.array(values).type)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return False
    return "double" not in kind or not any(map(_holds_truth, values))


def _alone(value: Any) -> str:
    """What is wrong with a value that is no column by itself."""
    text = str(value)
    if not _is_text(text):
        return "holds half of a character (a lone surrogate, `\\ud800`); fix the export"
    if isinstance(value, int):
        return f"holds {text[:24]}, which does not fit into 64 bits; write it as text"
    return f"holds {_short(value)}, which mixes types or has a number beyond 64 bits; use one type"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, (int, float, bool)) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"

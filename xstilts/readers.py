"""One file, whatever its format, as an Arrow table.

Parquet, JSON lines, CSV and TSV (header line, UTF-8), and CoNLL (`token TAB tag`, a blank line between
sentences). Values are read as they are written: nothing that looks like a date becomes one, and a
CSV holds text alone. A file that is not what it should be is a DataError with its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import DataError
from xstilts.layout import SUFFIXES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as a source holds them."""

    table: pa.Table
    """The columns that were asked for and exist."""
    columns: tuple[str, ...]
    """All columns of the source."""
    classes: Mapping[str, tuple[str, ...]]
    """Column to the label names that the source states for its ids."""
    untyped: bool = False
    """Whether every value is text (CSV), so that a label `1` may be an id."""

    def sliced(self, start: int, stop: int) -> Raw:
        """Rows `start` to `stop`, the latter not included."""
        return replace(self, table=self.table.slice(start, stop - start))


def read(paths: Sequence[Path], file_format: str | None, columns: Sequence[str]) -> Raw:
    """The rows of `paths`, one file after the other, with those of `columns` that exist."""
    import pyarrow as pa

    parts = [_reader(path, file_format)(path, columns) for path in paths]
    try:
        table = pa.concat_tables([part.table for part in parts], promote_options="permissive")
    except pa.ArrowInvalid as error:
        raise DataError(f"{paths[0]} and {len(paths) - 1} more: columns differ in type ({error})") from error
    every = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    return Raw(table=table, columns=every, classes=parts[0].classes, untyped=all(part.untyped for part in parts))


def count(paths: Sequence[Path], file_format: str | None) -> int:
    """Number of rows; Parquet tells without being read."""
    total = 0
    for path in paths:
        if _format(path, file_format) == "parquet":
            total += _parquet_file(path).metadata.num_rows
        else:
            total += _reader(path, file_format)(path, ()).table.num_rows
    return total


def _format(path: Path, file_format: str | None) -> str:
    found = file_format or SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise DataError(
            f"{path}: the suffix `{path.suffix}` names no file format; "
            "set `file_format:` to jsonl, csv, parquet or conll"
        )
    return found


def _reader(path: Path, file_format: str | None) -> Callable[[Path, Sequence[str]], Raw]:
    readers = {"parquet": _parquet, "jsonl": _jsonl, "csv": _csv, "conll": _conll}
    return readers[_format(path, file_format)]


def _parquet_file(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: no readable Parquet file ({_short(error)}); fetch or write it anew") from error


def _parquet(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    file = _parquet_file(path)
    schema = file.schema_arrow
    try:
        table = file.read(columns=[name for name in columns if name in schema.names])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: damaged ({_short(error)}); fetch or write it anew") from error
    plain = table.replace_schema_metadata(None)
    return Raw(table=plain, columns=tuple(schema.names), classes=_classes(schema.metadata))


def _classes(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Label names that `datasets` wrote into a Parquet schema."""
    text = (metadata or {}).get(b"huggingface")
    features = json.loads(text).get("info", {}).get("features", {}) if text else {}
    found = {}
    for name, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
            found[name] = tuple(inner.get("names", ()))
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """`(line number from 1, text without its end)`."""
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _jsonl(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    rows = []
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON ({error}); must be one object on each line") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: is a JSON {type(row).__name__}; must be one object on each line")
        rows.append(row)
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    wanted = [name for name in names if name in columns] or list(names[:1])
    try:
        table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in wanted})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"{path}: a column holds values of several types ({_short(error)}); make them one") from error
    return Raw(table=table, columns=names, classes={})


def _csv(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header = next((line for _, line in _lines(path) if line.strip()), "")
    try:
        names = csv.open_csv(pa.BufferReader(header.encode() + b"\n" + header.encode() + b"\n"),
                             parse_options=csv.ParseOptions(delimiter=delimiter)).schema.names  # fmt: skip
        table = csv.read_csv(
            path, parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types={name: pa.string() for name in names}),
        )  # fmt: skip
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise DataError(f"{path}: not a CSV file with a header line ({_short(error)})") from error
    if len(set(names)) != len(names):
        raise DataError(f"{path}: two columns have the same name; the header is {', '.join(names)}")
    wanted = [name for name in names if name in columns] or names[:1]
    return Raw(table=table.select(wanted), columns=tuple(table.column_names), classes={}, untyped=True)


def _conll(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    sentences: list[tuple[list[str], list[str]]] = [([], [])]
    for number, line in _lines(path):
        if not line.strip():
            if sentences[-1][0]:
                sentences.append(([], []))
        elif line.startswith("#") and "\t" not in line:
            continue
        elif line.count("\t") != 1 or not all(part.strip() for part in line.split("\t")):
            raise DataError(
                f"{path}:{number}: `{line[:60]}` must be `token TAB tag`, with a blank line after a sentence"
            )
        else:
            token, tag = line.split("\t")
            sentences[-1][0].append(token.strip())
            sentences[-1][1].append(tag.strip())
    full = [sentence for sentence in sentences if sentence[0]]
    table = pa.table({"tokens": pa.array([s[0] for s in full], pa.list_(pa.string())),
                      "tags": pa.array([s[1] for s in full], pa.list_(pa.string()))})  # fmt: skip
    return Raw(table=table, columns=("tokens", "tags"), classes={})


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__

"""The files of a split, whatever their format, as one Arrow table.

Each format has its reader: `parquet_files`, `json_lines`, `delimited` (CSV and TSV), `conll`, and
for the benchmarks' own formats `readers_bench` and `squad_json`. Values stay as they are written:
nothing that looks like a date or a number becomes one. A malformed file is a DataError with the
line or the row. What the tables have in common is said in `raw.Raw`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from xstilts.data.reading import readers_bench
from xstilts.data.reading.conll import read_conll
from xstilts.data.reading.delimited import read_delimited
from xstilts.data.reading.json_lines import read_json_lines
from xstilts.data.reading.layout import SUFFIXES
from xstilts.data.reading.parquet_files import count_parquet, read_parquet
from xstilts.data.reading.plain import joined
from xstilts.data.reading.raw import Raw
from xstilts.errors import DataError

READERS: Mapping[str, Callable[[Path, Sequence[str]], Raw]] = MappingProxyType(
    {
        "parquet": read_parquet,
        "jsonl": read_json_lines,
        "csv": read_delimited,
        "conll": read_conll,
        **readers_bench.READERS,
    }
)
"""File format to its reader."""


def read(paths: Sequence[Path], file_format: str | None, columns: Sequence[str]) -> Raw:
    """The rows of `paths`, one file after the other, with those of `columns` that exist."""
    parts = [
        (str(path), READERS[_format(path, file_format)](path, columns))
        for path in _opened(paths, file_format)
    ]
    _require_same_names(parts)
    left_out: Counter[str] = Counter()
    classes: dict[str, dict[str, None]] = {}
    for _, part in parts:
        left_out.update(part.left_out)
        for name, labels in part.classes.items():
            classes.setdefault(name, {}).update(dict.fromkeys(labels))
    return Raw(
        table=joined([(at, part.table) for at, part in parts]),
        columns=tuple(dict.fromkeys(name for _, part in parts for name in part.columns)),
        classes={name: tuple(labels) for name, labels in classes.items()},
        hidden=frozenset(name for _, part in parts for name in part.hidden),
        untyped=all(part.untyped for _, part in parts),
        left_out=dict(left_out),
    )


def _require_same_names(parts: Sequence[tuple[str, Raw]]) -> None:
    """DataError if one file states names for the ids of a column and another has ids alone, or
    rows without a label.
    """
    stating = {name: at for at, part in reversed(parts) for name in part.classes}
    for name, first in stating.items():
        for at, other in parts:
            if name not in other.classes and not _has_texts(other, name.partition(".")[0]):
                raise DataError(
                    f"{first} states names for the label ids of `{name}`, {at} does not: write "
                    "the names into all files of a split"
                )


def _has_texts(raw: Raw, name: str) -> bool:
    """Whether a column has a text, or a list of texts, in every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in raw.table.column_names or raw.table[name].null_count:
        return False
    column = raw.table[name]
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    return column.null_count == 0 and (pa.types.is_string(column.type) or not len(column))


def count(paths: Sequence[Path], file_format: str | None) -> int:
    """Number of rows that `read` gives; of a Parquet file only the footer is read."""
    return sum(_count(path, _format(path, file_format)) for path in _opened(paths, file_format))


def _count(path: Path, file_format: str) -> int:
    if file_format == "parquet":
        return count_parquet(path)
    return int(READERS[file_format](path, ()).table.num_rows)


def opened_pattern(pattern: str, file_format: str | None) -> str:
    """The pattern of the files to open; for BUCC the folder may be given (`readers_bench.py`)."""
    if file_format != "bucc" or pattern.endswith(".gold"):
        return pattern
    return os.path.join(pattern, "{language}-en.{split}.gold")


def companions(path: Path, file_format: str | None) -> list[Path]:
    """Files that are read together with `path` and count as part of its content."""
    return readers_bench.bucc_texts(path) if file_format == "bucc" else []


def _opened(paths: Sequence[Path], file_format: str | None) -> list[Path]:
    return [path for path in paths if file_format != "bucc" or path.suffix == ".gold"]


def _format(path: Path, file_format: str | None) -> str:
    found = file_format or SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise DataError(
            f"{path}: the suffix `{path.suffix}` names no file format; "
            "set `file_format:` to jsonl, csv, parquet, conll, conllu, bucc, squad_json or xquad_r"
        )
    return found

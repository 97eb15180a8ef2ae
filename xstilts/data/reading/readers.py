"""One file, whatever its format, as an Arrow table.

Parquet, JSON lines, CSV and TSV (header line, UTF-8), and CoNLL (`token TAB tag`, a blank line
between sentences); `readers_bench.py` reads the benchmarks' own formats. Values stay as they are
written: nothing that looks like a date becomes one, and a CSV holds only text. A malformed file is
a DataError with the line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.data.reading import readers_bench
from xstilts.data.reading.layout import SUFFIXES
from xstilts.data.reading.raw import Raw, lines
from xstilts.errors import DataError, first_line


def read(paths: Sequence[Path], file_format: str | None, columns: Sequence[str]) -> Raw:
    """The rows of `paths`, one file after the other, with those of `columns` that exist."""
    import pyarrow as pa

    parts = [_reader(path, file_format)(path, columns) for path in _opened(paths, file_format)]
    try:
        table = pa.concat_tables([part.table for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{paths[0]} and {len(paths) - 1} more: columns differ in type ({error})"
        ) from error
    every = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    return Raw(
        table=table,
        columns=every,
        classes=parts[0].classes,
        untyped=all(part.untyped for part in parts),
    )


def count(paths: Sequence[Path], file_format: str | None) -> int:
    """Number of rows; of a Parquet file only the footer is read."""
    total = 0
    for path in _opened(paths, file_format):
        if _format(path, file_format) == "parquet":
            total += _parquet_file(path).metadata.num_rows
        else:
            total += _reader(path, file_format)(path, ()).table.num_rows
    return total


def opened_pattern(path: str, file_format: str | None, word: str) -> str:
    """The path pattern of the files to open; for BUCC the folder may be given
    (`readers_bench.py`).
    """
    return (
        os.path.join(path, f"{word}-en.{{split}}.gold")
        if file_format == "bucc" and path[-5:] != ".gold"
        else path
    )


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


def _reader(path: Path, file_format: str | None) -> Callable[[Path, Sequence[str]], Raw]:
    readers = {
        "parquet": _parquet,
        "jsonl": _jsonl,
        "csv": _csv,
        "conll": _conll,
        **readers_bench.READERS,
    }
    return readers[_format(path, file_format)]


def _parquet_file(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file ({first_line(error, 160)}); fetch or write it "
            "again"
        ) from error


def _parquet(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    file = _parquet_file(path)
    schema = file.schema_arrow
    try:
        table = file.read(columns=[name for name in columns if name in schema.names])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path}: damaged ({first_line(error, 160)}); fetch or write it again"
        ) from error
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


def _jsonl(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    rows = []
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"{path}:{number}: not JSON ({error}); must be one object on each line"
            ) from error
        if not isinstance(row, dict):
            raise DataError(
                f"{path}:{number}: is a JSON {type(row).__name__}; must be one object on each line"
            )
        rows.append(row)
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    wanted = [name for name in names if name in columns] or list(names[:1])
    try:
        table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in wanted})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{path}: a column mixes types ({first_line(error, 160)}); use one type in each column"
        ) from error
    return Raw(table=table, columns=names, classes={})


def _csv(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header = next((line for _, line in lines(path) if line.strip()), "")
    try:
        names = csv.open_csv(
            pa.BufferReader(header.encode() + b"\n" + header.encode() + b"\n"),
            parse_options=csv.ParseOptions(delimiter=delimiter),
        ).schema.names
        table = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types={name: pa.string() for name in names}),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise DataError(
            f"{path}: not a CSV file with a header line ({first_line(error, 160)})"
        ) from error
    if len(set(names)) != len(names):
        raise DataError(f"{path}: two columns have the same name; the header is {', '.join(names)}")
    wanted = [name for name in names if name in columns] or names[:1]
    return Raw(
        table=table.select(wanted), columns=tuple(table.column_names), classes={}, untyped=True
    )


def _conll(path: Path, columns: Sequence[str]) -> Raw:
    import pyarrow as pa

    sentences: list[tuple[list[str], list[str]]] = [([], [])]
    for number, line in lines(path):
        if not line.strip():
            if sentences[-1][0]:
                sentences.append(([], []))
        elif line.startswith("#") and "\t" not in line:
            continue
        elif line.count("\t") != 1 or not all(part.strip() for part in line.split("\t")):
            raise DataError(
                f"{path}:{number}: `{line[:60]}` must be `token TAB tag`, with a blank line "
                "after a sentence"
            )
        else:
            token, tag = line.split("\t")
            sentences[-1][0].append(token.strip())
            sentences[-1][1].append(tag.strip())
    full = [sentence for sentence in sentences if sentence[0]]
    table = pa.table(
        {
            "tokens": pa.array([s[0] for s in full], pa.list_(pa.string())),
            "tags": pa.array([s[1] for s in full], pa.list_(pa.string())),
        }
    )
    return Raw(table=table, columns=("tokens", "tags"), classes={})

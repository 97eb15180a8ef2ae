"""Parquet files: their columns as plain types, with the label names that `datasets` states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xstilts.data.reading.class_names import features_of, named
from xstilts.data.reading.plain import plain
from xstilts.data.reading.raw import Raw, selected
from xstilts.errors import DataError, first_line


def read_parquet(path: Path, columns: Sequence[str]) -> Raw:
    """The rows of a file. DataError if it is damaged, or a value can't be read, with column and
    row.
    """
    with _opened(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        names = tuple(schema.names)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{path}: two columns have the same name, `{twice}`; rename one")
        wanted = [name for name in names if name in columns]
        table = file.read(columns=wanted)
    features = features_of(schema.metadata, path)
    found: dict[str, Any] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for name in wanted:
        values = plain(table[name], name, str(path))
        found[name], stated = named(values, features.get(name), name, str(path))
        classes |= stated
    return Raw(
        table=selected(found, names, rows),
        columns=names,
        classes=classes,
        hidden=frozenset(classes),
    )


def count_parquet(path: Path) -> int:
    """Number of rows, from the footer alone."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(str(path)) as file:
            yield file
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file, or a damaged one ({first_line(error, 160)}); "
            "fetch or write it again"
        ) from error

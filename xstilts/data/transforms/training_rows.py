"""A task's training rows, transformed: rows chosen, given a language, rewritten and counted.

The transform's seed and the row's number decide whether a row is rewritten; languages are assigned
in turn. A rewriter makes the new row (`rewriters`), and the counts are kept beside the cached rows
(`notes`). Tables are read and made a chunk of rows at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xstilts.data.reading.tables import with_language
from xstilts.data.transforms import notes
from xstilts.data.transforms.inputs import languages_of, problems
from xstilts.data.transforms.rewriters import Rewriter, rewriter_of
from xstilts.data.transforms.rows import Dropped, Row
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec.seeds import row_stream, row_uniform
from xstilts.spec.task import Task
from xstilts.spec.transforms import Transform

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_PER_CHUNK = 2000


def expected_rows(rows: int, task: Task) -> int:
    """How many rows there are after the transform if it drops none of `rows`."""
    transform = task.transform
    return rows + round(rows * transform.share) if transform is not None and transform.add else rows


def apply(table: pa.Table, task: Task, language: str | None, context: DataContext) -> pa.Table:
    """The training rows of `task` in `language` (None: its first), transformed; columns and types
    stay.

    Translation adds a column `language`. Rows keep their order; with `add`, the transformed rows
    follow the originals. Raises DataError for anything in `problems`, and if no row is left.
    """
    transform = task.transform
    if transform is None or not table.num_rows:
        return table
    found = problems(task, context)
    if found:
        raise DataError("\n".join(found))
    source = language or task.train_languages[0]
    assigned = _assigned_languages(table.num_rows, transform, source)
    tally: Counter[str] = Counter()
    rewriter = rewriter_of(task, source, context)
    if rewriter.translates:
        table = with_language(table, source)
    rewriter.prepare(lambda: ((row, to) for _, row, to in _rows(table, assigned) if to is not None))
    transformed = _transformed(table, assigned, transform, rewriter, source, tally)
    if not transformed.num_rows:
        raise DataError(
            f"task {task.name}: its transform dropped all {table.num_rows} rows: "
            f"{notes.reasons(tally)}"
        )
    notes.write(task, source, context, table.num_rows, transformed.num_rows, assigned, tally)
    return transformed


def _assigned_languages(count: int, transform: Transform, source: str) -> list[str | None]:
    """Each row's new language, assigned in turn; None for a row that stays as it is."""
    names = languages_of(transform) or (source,)
    assigned: list[str | None] = []
    chosen = 0
    for number in range(count):
        if row_uniform(transform.seed, "share", source, number) < transform.share:
            assigned.append(names[chosen % len(names)])
            chosen += 1
        else:
            assigned.append(None)
    return assigned


def _rows(table: pa.Table, assigned: list[str | None]) -> Iterator[tuple[int, Row, str | None]]:
    """`(number, row, new language)` of each row, read a chunk at a time."""
    for start in range(0, table.num_rows, _ROWS_PER_CHUNK):
        for number, row in enumerate(table.slice(start, _ROWS_PER_CHUNK).to_pylist(), start):
            yield number, row, assigned[number]


def _transformed(
    table: pa.Table,
    assigned: list[str | None],
    transform: Transform,
    rewriter: Rewriter,
    source: str,
    tally: Counter[str],
) -> pa.Table:
    """The transformed table."""
    import pyarrow as pa

    parts = [table] if transform.add else []
    kept: list[Row] = []

    def flush() -> None:
        parts.append(pa.Table.from_pylist(kept, schema=table.schema))
        kept.clear()

    for number, row, to in _rows(table, assigned):
        if to is None:
            if not transform.add:
                kept.append(row)
            continue
        new = rewriter.rewritten(row, to, row_stream(transform.seed, "row", source, number), tally)
        if isinstance(new, Dropped):
            tally[notes.DROPPED + new.reason] += 1
            continue
        kept.append({**new, "language": to} if rewriter.translates else new)
        if len(kept) >= _ROWS_PER_CHUNK:
            flush()
    flush()
    return pa.concat_tables(parts)

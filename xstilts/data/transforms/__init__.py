"""What is made of a task's training rows before they are tokenised: translated, code-switched,
invented.

A *transform* is part of a task (`Task.transform`) and touches the rows of its use `train` alone.
Labels survive: `translate.py` and `lookup.py` find answers again and drop what they can't find, and
count it; `dictionary.py` and `pseudo.py` replace word by word, so that nothing is lost. Every draw
depends on the seed and the number of the row, so limits, batches and the order of work change
nothing. Development and test rows stay as they are.

    apply      the rows, transformed
    revision   hash of all that decides them, beside the rows themselves
    problems   what is missing, for `check`
    facts      what came of it: rows dropped by reason, words replaced; `told` in one line
    under_way  how far translations are that somebody makes now
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xstilts.data.transforms import notes
from xstilts.data.transforms.inputs import languages_of, problems, revision
from xstilts.data.transforms.rewriters import Rewriter, rewriter_of
from xstilts.data.transforms.rows import Dropped, Row
from xstilts.data.transforms.shards import under_way
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec.seeds import row_stream, row_uniform
from xstilts.spec.task import Task, Transform

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["apply", "expected_rows", "facts", "problems", "revision", "told", "under_way"]

_ROWS_A_CHUNK = 2000
facts, told = notes.facts, notes.told


def expected_rows(rows: int, task: Task) -> int:
    """How many rows a transform leaves of `rows`, where none is dropped."""
    transform = task.transform
    return rows + round(rows * transform.share) if transform is not None and transform.add else rows


def apply(table: pa.Table, task: Task, language: str | None, context: DataContext) -> pa.Table:
    """The training rows of `task` in `language` (None: its first), transformed; columns and types
    stay.

    Translations bring a column `language`, each row's own. Rows keep their order; with `add`, the
    transformed ones follow. Raises DataError for what `problems` would tell, and where no row is
    left.
    """
    transform = task.transform
    if transform is None or not table.num_rows:
        return table
    found = problems(task, context)
    if found:
        raise DataError("\n".join(found))
    source = language or task.train_languages[0]
    dealt = _dealt(table.num_rows, transform, source)
    tally: Counter[str] = Counter()
    rewriter = rewriter_of(task, source, context)
    if rewriter.translates:
        table = _with_language(table, source)
    rewriter.prepare(lambda: ((row, to) for _, row, to in _rows(table, dealt) if to is not None))
    made = _made(table, dealt, transform, rewriter, source, tally)
    if not made.num_rows:
        raise DataError(
            f"task {task.name}: its transform dropped all {table.num_rows} rows: "
            f"{notes.reasons(tally)}"
        )
    notes.write(task, source, context, table.num_rows, made.num_rows, dealt, tally)
    return made


def _dealt(count: int, transform: Transform, source: str) -> list[str | None]:
    """Each row's new language, dealt out in turn; None for a row that stays English."""
    names = languages_of(transform) or (source,)
    dealt: list[str | None] = []
    chosen = 0
    for number in range(count):
        if row_uniform(transform.seed, "share", source, number) < transform.share:
            dealt.append(names[chosen % len(names)])
            chosen += 1
        else:
            dealt.append(None)
    return dealt


def _with_language(table: pa.Table, language: str) -> pa.Table:
    import pyarrow as pa

    if "language" in table.column_names:
        return table
    return table.append_column(
        "language", pa.repeat(pa.scalar(language, pa.string()), table.num_rows)
    )


def _rows(table: pa.Table, dealt: list[str | None]) -> Iterator[tuple[int, Row, str | None]]:
    """`(number, row, new language)`, read some at a time."""
    for start in range(0, table.num_rows, _ROWS_A_CHUNK):
        for number, row in enumerate(table.slice(start, _ROWS_A_CHUNK).to_pylist(), start):
            yield number, row, dealt[number]


def _made(
    table: pa.Table,
    dealt: list[str | None],
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

    for number, row, to in _rows(table, dealt):
        if to is None:
            if not transform.add:
                kept.append(row)
            continue
        new = rewriter.rewritten(row, to, row_stream(transform.seed, "row", source, number), tally)
        if isinstance(new, Dropped):
            tally[notes.DROPPED + new.reason] += 1
            continue
        kept.append({**new, "language": to} if rewriter.translates else new)
        if len(kept) >= _ROWS_A_CHUNK:
            flush()
    flush()
    return pa.concat_tables(parts)

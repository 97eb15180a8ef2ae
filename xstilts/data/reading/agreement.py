"""Checks columns of one role table against each other; a message counts the wrong rows and names
the first. Rows are counted from 1, among all rows of their split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa


def disagreements(table: pa.Table, task: Task, first: int = 1) -> list[str]:
    """Problems that make rows unusable; `first` is the number of the table's first row."""
    import pyarrow.compute as pc

    if "tags" in task.spec.roles:
        sizes = pc.not_equal(
            pc.list_value_length(table["tokens"]), pc.list_value_length(table["tags"])
        )
        return rows_where(sizes, "have more or fewer tags than tokens", first)
    return _both_empty(table, task.spec.either_role, first) if task.spec.either_role else []


def _both_empty(table: pa.Table, names: tuple[str, str], first: int) -> list[str]:
    import pyarrow.compute as pc

    blank = [pc.equal(pc.utf8_trim_whitespace(table[name]), "") for name in names]
    return rows_where(pc.and_(*blank), f"have neither {names[0]} nor {names[1]}", first)


def rows_where(flags: Any, what: str, first: int = 1) -> list[str]:
    """A problem naming the number of flagged rows and the first; `flags`: a list or Arrow column of
    booleans, of which the first one is about row `first`.
    """
    if not isinstance(flags, list):
        import pyarrow.compute as pc

        if not pc.any(flags).as_py():
            return []
        flags = flags.to_pylist()
    rows = [i for i, flag in enumerate(flags, first) if flag]
    return [f"{len(rows):,} rows {what} (first: {row_text(rows[0])})"] if rows else []


def row_text(number: int) -> str:
    """`row 1,203`, counted from 1."""
    return f"row {number:,}"

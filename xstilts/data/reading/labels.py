"""Labels as a source writes them -> ids in the task's table.

Names are looked up in the table. Numbers are ids already, unless the table's names are numbers
themselves ("1", "2", "3"). If the source states names for its ids (Parquet written by `datasets`),
those names are looked up, so a table in another order is still right. -1 is a hidden label.
Anything else is an error that shows the values and the table; nothing is guessed.

A task may take its table from its training and development rows (`open_table`: CCG's 1,363
supertags). Such a table ends with `UNSEEN`, which stands for any other label of the test rows. No
training row has it, so a model never predicts it and these rows count as mistakes, as they should.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from xstilts.data.reading.raw import Raw
from xstilts.spec.task import UNSEEN, Task

if TYPE_CHECKING:
    import pyarrow as pa


def open_table(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct names, sorted (numbers by value), and `UNSEEN`."""
    different = set(names)
    numbers = all(name.isdigit() for name in different)
    return (*sorted(different, key=(lambda name: (int(name), name)) if numbers else None), UNSEEN)


def names_in(column: Any, name: str, raw: Raw) -> set[str]:
    """The distinct labels of a column, or of its lists, by name, without hidden (-1) and missing
    ones.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pc.list_flatten(column)
    values = [value for value in pc.unique(column).to_pylist() if value is not None and value != -1]
    stated = raw.classes.get(name)
    return {
        stated[v] if stated and isinstance(v, int) and v < len(stated) else str(v).strip()
        for v in values
    }


def none_known(table: pa.Table, task: Task) -> bool:
    """Whether no label of a role table is in the task's open table, which then fits other data."""
    import pyarrow.compute as pc

    if task.labels[-1:] != (UNSEEN,) or task.label_role is None:
        return False
    column = table[task.label_role]
    different = pc.unique(pc.list_flatten(column) if task.spec.label_kind == "tags" else column)
    return bool(different.to_pylist() == [len(task.labels) - 1])


def ids(column: Any, name: str, raw: Raw, task: Task) -> tuple[Any, list[str]]:
    """A column of labels as ids (int64) into `task.labels`, -1 where hidden; and what is wrong with
    it.

    `raw` holds the rows that the column is from. Only distinct values are looked up.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    hidden = name in raw.hidden
    values = pc.unique(column)
    if values.null_count and not hidden:
        return column, [
            f"column `{name}` is empty in {column.null_count} places; every row needs a label"
        ]
    if pa.types.is_nested(values.type):
        return column, [f"column `{name}` holds {values.type}; must hold a label"]
    lookup = [_id(value, raw, raw.classes.get(name), task) for value in values.to_pylist()]
    if task.labels[-1:] == (UNSEEN,):
        lookup = [len(task.labels) - 1 if one is None else one for one in lookup]
    unknown = [
        _shown(v, raw.classes.get(name))
        for v, i in zip(values.to_pylist(), lookup, strict=True)
        if i is None
    ]
    if task.spec.label_kind == "tags":
        unknown += ["-1" for i in lookup if i == -1][:1]
    if unknown:
        return column, [_outside(name, unknown, task, raw.classes.get(name))]
    found = pa.array(lookup, pa.int64()).take(pc.index_in(column, value_set=values))
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found]), []


def _id(value: Any, raw: Raw, stated: Sequence[str] | None, task: Task) -> int | None:
    """The id of one label value; None if it is not in the table."""
    table = task.labels
    if value is None:
        return -1
    if isinstance(value, str):
        name = value.strip()
        if stated is not None and not table and task.spec.label_kind == "choice":
            return stated.index(name)
        if name in table:
            return table.index(name)
        return (
            _id(int(name), raw, stated, task)
            if raw.untyped and name.lstrip("-").isdigit()
            else None
        )
    if isinstance(value, float) and not value.is_integer():
        return None
    number = int(value)
    if number == -1 or (not table and task.spec.label_kind == "choice" and number >= 0):
        return number
    if stated is not None:
        return (
            table.index(stated[number])
            if 0 <= number < len(stated) and stated[number] in table
            else None
        )
    if table and all(label.lstrip("-").isdigit() for label in table if label != UNSEEN):
        return table.index(str(number)) if str(number) in table else None
    return number if 0 <= number < len(table) else None


def _shown(value: Any, stated: Sequence[str] | None) -> str:
    if isinstance(value, int) and stated is not None and 0 <= value < len(stated):
        return f"{value} ({stated[value]})"
    return str(value)


def _outside(name: str, unknown: Sequence[str], task: Task, stated: Sequence[str] | None) -> str:
    shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
    source = f"; the source's own table is [{', '.join(stated)}]" if stated else ""
    table = f"the table [{', '.join(task.labels)}]" if task.labels else "the table, which is empty"
    return (
        f"column `{name}` has labels outside {table}: {shown}{source}. Set `labels:` to the "
        "names in the order of their ids"
    )

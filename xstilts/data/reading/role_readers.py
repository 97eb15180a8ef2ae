"""One column of a source as a role of fixed type: texts, lists, choices, labels, numbers, tags,
answers.

Each reader returns the column and what is wrong with it; if anything is, the column must not be
used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from xstilts.data.reading import answers
from xstilts.data.reading.agreement import row_text, rows_where
from xstilts.data.reading.labels import ids, is_list, is_plain
from xstilts.data.reading.raw import Raw
from xstilts.errors import first_line
from xstilts.spec.task import Task
from xstilts.spec.words import words

_SEVERAL = ("text", "text_pair", "choices")
"""Roles that may name several columns, `word,sentence1`: one for each choice, or texts to join with
a space.
"""


def sources_of(task: Task, role: str) -> list[str]:
    """The source's columns from which a role is made."""
    name = task.column(role)
    return [part.strip() for part in name.split(",")] if role in _SEVERAL else [name]


def _texts(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import pyarrow.compute as pc

    found = [text_column(raw.table[name], name, raw.first) for name in sources_of(task, role)]
    problems = [problem for _, wrong in found for problem in wrong]
    if len(found) == 1 or problems:
        return found[0][0], problems
    return pc.binary_join_element_wise(*(column for column, _ in found), " "), []


def text_column(
    column: Any, name: str, first: int, *, empty: bool = False
) -> tuple[Any, list[str]]:
    """A column of texts, none missing unless `empty`; numbers and truth values are written out.
    `first` is the number of the first row.
    """
    import pyarrow as pa

    if not is_plain(column.type):
        return column, [f"column `{name}` holds {column.type}; must be text"]
    if column.null_count and not empty:
        row = row_text(first + column.is_null().to_pylist().index(True))
        many = f"is empty in {column.null_count:,} rows (first: {row})"
        return column, [f"column `{name}` {many}; every row needs a text"]
    return column.cast(pa.string()), []


def _choices(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    """Lists of texts, null where a cell is empty."""
    import pyarrow as pa

    names = sources_of(task, role)
    if len(names) == 1:
        return _lists(raw, task, role, empty=True)
    columns, problems = zip(
        *(text_column(raw.table[name], name, raw.first, empty=True) for name in names), strict=True
    )
    wrong = [problem for part in problems for problem in part]
    if wrong:
        return None, wrong
    rows = [list(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    return pa.array(rows, pa.list_(pa.string())), []


def _lists(raw: Raw, task: Task, role: str, *, empty: bool = False) -> tuple[Any, list[str]]:
    """Lists of texts, none missing; with `empty`, texts may be."""
    import pyarrow as pa

    name, column = task.column(role), raw.table[task.column(role)]
    if pa.types.is_null(column.type):
        column = column.cast(pa.list_(pa.string()))
    if not is_list(column.type) or not is_plain(column.type.value_type):
        hint = "; a CSV cannot hold lists: use JSON lines" if raw.untyped else ""
        return column, [
            f"column `{name}` holds {column.type}; {role} must be a list of texts{hint}"
        ]
    column = column.cast(pa.list_(pa.string()))
    lacking = [row is None or (not empty and None in row) for row in column.to_pylist()]
    return column, rows_where(
        lacking, f"have no list of texts in column `{name}`, or one with a null in it", raw.first
    )


def _answer_lists(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    return answers.column_of(raw, task.column(role))


def _label(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    name = task.column(role)
    column = raw.table[name]
    number = task.spec.label_kind == "number"
    return _number(column, name, raw.first) if number else ids(column, name, raw, task)


def _number(column: Any, name: str, first: int) -> tuple[Any, list[str]]:
    """A column as float64; texts, as in a CSV, are read as numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    must = f"column `{name}` holds {column.type}; every label must be a number"
    if pa.types.is_boolean(column.type) or not is_plain(column.type):
        return column, [must]
    try:
        numbers = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        return column, [f"{must} ({first_line(error, 160)})"]
    missing = pc.fill_null(pc.invert(pc.is_finite(numbers)), True)
    return numbers, rows_where(missing, f"have no number in column `{name}`", first)


def _tags(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import numpy as np
    import pyarrow as pa

    name, column = task.column(role), raw.table[task.column(role)].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # no rows
        column = pa.array([], column.type)
    if not is_list(column.type) or column.null_count:
        hint = "; a CSV cannot hold lists: use JSON lines" if raw.untyped else ""
        return column, [
            f"column `{name}` holds {column.type}; tags must be a list in every row{hint}"
        ]
    column = column.cast(pa.list_(column.type.value_type))
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(column)), lengths).tolist()
    flat, problems = ids(pa.chunked_array([column.flatten()]), name, raw, task, rows)
    if problems:
        return column, problems
    offsets = [0, *lengths.cumsum().tolist()]
    values = flat.combine_chunks() if flat.num_chunks else pa.array([], pa.int64())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values), []


_TEXTS = words(
    "text text_pair context question prefix source_sentence target_sentence id source_id target_id "
    "query candidate candidate_pair key"
)
READERS: Mapping[str, Callable[[Raw, Task, str], tuple[Any, list[str]]]] = MappingProxyType(
    {
        **dict.fromkeys(_TEXTS, _texts),
        "choices": _choices,
        "label": _label,
        "tokens": _lists,
        "tags": _tags,
        "answers": _answer_lists,
    }
)

"""From a source's columns to the roles that a format knows.

A format reads roles (`text`, `label`, `tokens`, ...) of fixed types; the task's `columns` say what
the source calls them. Labels become ids (`labels.py`); rows with label -1, a hidden label, are
dropped. The rows of a dual encoder may also be made from questions about paragraphs
(`sentences.py`). All problems of a split are reported together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xstilts.data.reading.agreement import disagreements
from xstilts.data.reading.raw import Raw
from xstilts.data.reading.role_readers import READERS, answers, sources_of, text_column
from xstilts.data.reading.role_rows import RoleRows, wrong
from xstilts.data.reading.sentences import retrieval_columns
from xstilts.errors import nearest
from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

_SQUAD = ("question", "context", "answers")
"""Columns from which rows of a dual encoder are made if the source has no candidates."""


def wanted(task: Task) -> list[str]:
    """The source's columns that a task may read; for `choices.text`, a field of a struct, also
    `choices`.
    """
    questions = ("id", *_SQUAD) if task.spec.from_questions else ()
    names = [name for role in task.spec.roles for name in sources_of(task, role)]
    return [*names, *(name.partition(".")[0] for name in names if "." in name), *questions]


def to_roles(raw: Raw, task: Task) -> RoleRows:
    """The rows under their roles, or no table and what is wrong with them."""
    import pyarrow as pa

    if _holds_questions(raw, task):
        return _from_questions(raw)
    raw = with_fields(raw, wanted(task))
    problems: list[str] = []
    columns: dict[str, Any] = {}
    for role in task.spec.roles:
        missing = [name for name in sources_of(task, role) if name not in raw.columns]
        if missing and (_absent_by_choice(task, role) or _absent_by_source(task, role)):
            continue
        if missing:
            problems += [_missing(task, role, name, raw) for name in missing]
            continue
        if _absent_by_choice(task, role) and task.source.generator is None:
            continue
        column, found = READERS[role](raw, task, role)
        problems += found
        columns[role] = column
    if problems:
        return wrong(problems)
    if "id" in task.spec.roles and "id" not in columns:
        columns = {"id": _numbers(raw), **columns}
    table = pa.table(columns)
    problems = disagreements(table, task)
    return wrong(problems) if problems else _labelled(table, task)


def with_fields(raw: Raw, names: Sequence[str]) -> Raw:
    """The rows with a column of its own for each of `names` that is a field of a struct
    (`choices.text`).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in names:
        whole, dot, field = name.partition(".")
        if not dot or name in raw.columns or whole not in raw.table.column_names:
            continue
        column = raw.table[whole]
        if pa.types.is_struct(column.type) and column.type.get_field_index(field) >= 0:
            table = raw.table.append_column(name, pc.struct_field(column, field))
            raw = replace(raw, table=table, columns=(*raw.columns, name))
    return raw


def _numbers(raw: Raw) -> Any:
    import pyarrow as pa

    return pa.array([str(i) for i in range(raw.table.num_rows)], pa.string())


def _holds_questions(raw: Raw, task: Task) -> bool:
    candidates = task.column("candidate") in raw.columns
    return task.spec.from_questions and not candidates and set(_SQUAD) <= set(raw.columns)


def _from_questions(raw: Raw) -> RoleRows:
    """Rows of a dual encoder, made from SQuAD's columns."""
    import pyarrow as pa

    columns: dict[str, Any] = {"id": _numbers(raw)}
    problems: list[str] = []
    for name in _SQUAD:
        columns[name], found = (
            answers(raw, name) if name == "answers" else text_column(raw.table[name], name)
        )
        problems += found
    if "id" in raw.columns:
        columns["id"], found = text_column(raw.table["id"], "id")
        problems += found
    if problems:
        return wrong(problems)
    made = retrieval_columns({name: column.to_pylist() for name, column in columns.items()})
    table = pa.table({name: pa.array(values, pa.string()) for name, values in made.items()})
    lost = raw.table.num_rows - table.num_rows
    reason = "questions of which no answer stands in the paragraph"
    return RoleRows(table=table, left_out={reason: lost} if lost else {})


def _absent_by_choice(task: Task, role: str) -> bool:
    return role in task.spec.optional_roles and role not in task.columns


def _absent_by_source(task: Task, role: str) -> bool:
    return role in task.spec.source_roles and role not in task.columns


def _missing(task: Task, role: str, name: str, raw: Raw) -> str:
    return (
        f"has no column `{name}` for {role}{nearest(name, raw.columns)}; it has "
        f"{', '.join(raw.columns)}. "
        f"Name the right one in `columns: {{{role}: ...}}`"
    )


def _labelled(table: pa.Table, task: Task) -> RoleRows:
    """The rows whose label is not hidden; numeric labels are never hidden."""
    import pyarrow.compute as pc

    if "label" not in table.column_names or task.spec.label_kind == "number":
        return RoleRows(table=table)
    kept = table.filter(pc.greater_equal(table["label"], 0))
    hidden = table.num_rows - kept.num_rows
    return RoleRows(
        table=kept, left_out={"rows with a hidden label (-1)": hidden} if hidden else {}
    )

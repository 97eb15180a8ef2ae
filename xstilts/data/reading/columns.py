"""From a source's columns to the roles that a format knows.

A format reads roles (`text`, `label`, `tokens`, ...) of fixed types; the task's `columns` say what
the source calls them. Labels become ids (`labels.py`). The rows of a dual encoder may also be made
from questions about paragraphs (`sentences.py`). All problems of a split are reported together.
Rows that can be neither trained nor scored are left out, each for a stated reason (`usable.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from xstilts.data.reading import answers
from xstilts.data.reading.raw import Raw
from xstilts.data.reading.role_readers import READERS, sources_of, text_column
from xstilts.data.reading.role_rows import RoleRows, wrong
from xstilts.data.reading.sentences import retrieval_columns
from xstilts.data.reading.usable import answered, usable
from xstilts.errors import nearest
from xstilts.spec.task import Task, Use

_SQUAD = ("question", "context", "answers")
"""Columns from which rows of a dual encoder are made if the source has no candidates."""


def wanted(task: Task) -> list[str]:
    """The source's columns that a task may read; for `choices.text`, a field of a struct, also
    `choices`.
    """
    questions = ("id", *_SQUAD) if task.spec.from_questions else ()
    if task.spec.from_questions or "answers" in task.spec.roles:
        questions = (*questions, answers.IMPOSSIBLE)
    names = [name for role in task.spec.roles for name in sources_of(task, role)]
    return [*names, *(name.partition(".")[0] for name in names if "." in name), *questions]


def to_roles(raw: Raw, task: Task, use: Use) -> RoleRows:
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
    return usable(pa.table(columns), task, use, raw.first)


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
            answers.column_of(raw, name)
            if name == "answers"
            else text_column(raw.table[name], name, raw.first)
        )
        problems += found
    if "id" in raw.columns:
        columns["id"], found = text_column(raw.table["id"], "id", raw.first)
        problems += found
    if problems:
        return wrong(problems)
    read = answered(pa.table(columns), raw.first)
    if read.table is None:
        return read
    made = retrieval_columns(read.table.to_pydict())
    texts = {name: pa.array(values, pa.string()) for name, values in made.items()}
    return replace(read, table=pa.table(texts))


def _absent_by_choice(task: Task, role: str) -> bool:
    return role in task.spec.optional_roles and role not in task.columns


def _absent_by_source(task: Task, role: str) -> bool:
    return role in task.spec.source_roles and role not in task.columns


def _missing(task: Task, role: str, name: str, raw: Raw) -> str:
    close = nearest(name, raw.columns)
    if close.startswith("; there are"):  # all of them, which are named next
        close = ""
    wanted_any = {one for role in task.spec.roles for one in sources_of(task, role)}
    headless = raw.untyped and not close and not wanted_any & {*raw.columns}
    return (
        f"has no column `{name}` for {role}{close}; it has {', '.join(raw.columns)}. "
        + ("If that is its first row, its header line is missing: write one. " if headless else "")
        + f"Name the right one in `columns: {{{role}: ...}}`"
    )

"""From a source's columns to the roles that a format knows.

A format reads roles (`text`, `label`, `tokens`, ...) of fixed types; what the source calls them is the
task's `columns`. Labels become ids (`labels.py`); a row with label -1, which its source hides, is
dropped. Everything that is wrong with a split is found at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xstilts.labels import ids
from xstilts.readers import Raw
from xstilts.sources import nearest
from xstilts.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "classification": ("text", "text_pair", "label"),
        "multiple_choice": ("context", "question", "prefix", "choices", "label"),
        "tagging": ("tokens", "tags"),
        "span_qa": ("id", "question", "context", "answers"),
        "retrieval": ("source_sentence", "target_sentence"),
        "masked_lm": ("text",),
    }
)
"""Format to its roles, in order."""
_OPTIONAL = {("classification", "text_pair"), ("multiple_choice", "question"), ("multiple_choice", "prefix")}
"""Roles that a task has where its `columns` name them."""
_NUMBERED = ("span_qa", "id")
"""A role that is the row's number where the source lacks it."""


def wanted(task: Task) -> list[str]:
    """The source's columns that a task may read."""
    return [name for role in ROLES[task.format] for name in _sources_of(task, role)]


def to_roles(raw: Raw, task: Task) -> tuple[pa.Table | None, list[str]]:
    """The rows under their roles, and what is wrong with them; no table where they can't be used."""
    import pyarrow as pa

    problems: list[str] = []
    columns: dict[str, Any] = {}
    for role in ROLES[task.format]:
        missing = [name for name in _sources_of(task, role) if name not in raw.columns]
        if missing and (_absent_by_choice(task, role) or (task.format, role) == _NUMBERED):
            continue
        if missing:
            problems += [_missing(task, role, name, raw) for name in missing]
            continue
        if _absent_by_choice(task, role) and task.source.generator is None:
            continue
        column, wrong = _READERS[role](raw, task, role)
        problems += wrong
        columns[role] = column
    if problems:
        return None, problems
    if task.format == "span_qa" and "id" not in columns:
        columns = {"id": pa.array([str(i) for i in range(raw.table.num_rows)], pa.string()), **columns}
    table = pa.table(columns)
    problems = _disagreements(table, task)
    return (None, problems) if problems else (_labelled(table), [])


def _sources_of(task: Task, role: str) -> list[str]:
    name = task.column(role)
    return [part.strip() for part in name.split(",")] if role == "choices" else [name]


def _absent_by_choice(task: Task, role: str) -> bool:
    return (task.format, role) in _OPTIONAL and role not in task.columns


def _missing(task: Task, role: str, name: str, raw: Raw) -> str:
    return (
        f"has no column `{name}` for {role}{nearest(name, raw.columns)}; it has {', '.join(raw.columns)}. "
        f"Say which in `columns: {{{role}: ...}}`"
    )


def _texts(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    return _text_column(raw.table[task.column(role)], task.column(role))


def _text_column(column: Any, name: str) -> tuple[Any, list[str]]:
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        return column, [f"column `{name}` holds {column.type}; must be text"]
    if column.null_count:
        row = next(i for i, value in enumerate(column) if not value.is_valid)
        many = f"is empty in {column.null_count} rows (first: row {row})"
        return column, [f"column `{name}` {many}; every row needs a text"]
    return column.cast(pa.string()), []


def _choices(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import pyarrow as pa

    names = _sources_of(task, role)
    if len(names) == 1:
        return _lists(raw, task, role)
    columns, problems = zip(*(_text_column(raw.table[name], name) for name in names), strict=True)
    wrong = [problem for part in problems for problem in part]
    if wrong:
        return None, wrong
    rows = [list(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    return pa.array(rows, pa.list_(pa.string())), []


def _lists(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import pyarrow as pa

    name, column = task.column(role), raw.table[task.column(role)]
    if not _is_list(column.type) or pa.types.is_nested(column.type.value_type):
        hint = "; a CSV cannot hold lists: use JSON lines" if raw.untyped else ""
        return column, [f"column `{name}` holds {column.type}; {role} must be a list of texts{hint}"]
    flat = column.combine_chunks().flatten() if column.num_chunks else column
    if column.null_count or getattr(flat, "null_count", 0):
        return column, [f"column `{name}` has rows without a value; every {role} must be a list of texts"]
    return column.cast(pa.list_(pa.string())), []


def _answers(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    name, column = task.column(role), raw.table[task.column(role)]
    fields = {field.name for field in column.type} if pa.types.is_struct(column.type) else set()
    if not {"text", "answer_start"} <= fields or column.null_count:
        return column, [f"column `{name}` holds {column.type}; must be {{text: [..], answer_start: [..]}} in every row"]
    try:
        texts = pc.struct_field(column, "text").cast(pa.list_(pa.string())).combine_chunks()
        starts = pc.struct_field(column, "answer_start").cast(pa.list_(pa.int64())).combine_chunks()
        parts = [texts, starts] if len(column) else [pa.array([], texts.type), pa.array([], starts.type)]
        return pa.StructArray.from_arrays(parts, names=["text", "answer_start"]), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column, [f"column `{name}` holds {column.type}; must be {{text: [texts], answer_start: [numbers]}}"]


def _label(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    name = task.column(role)
    return ids(raw.table[name], name, raw, task)


def _tags(raw: Raw, task: Task, role: str) -> tuple[Any, list[str]]:
    import pyarrow as pa

    name, column = task.column(role), raw.table[task.column(role)].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # no rows
        column = pa.array([], column.type)
    if not _is_list(column.type) or column.null_count:
        return column, [f"column `{name}` holds {column.type}; tags must be a list in every row"]
    column = column.cast(pa.list_(column.type.value_type))
    flat, problems = ids(pa.chunked_array([column.flatten()]), name, raw, task)
    if problems:
        return column, problems
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    offsets = [0, *lengths.cumsum().tolist()]
    values = flat.combine_chunks() if flat.num_chunks else pa.array([], pa.int64())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values), []


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _disagreements(table: pa.Table, task: Task) -> list[str]:
    """What is wrong between columns."""
    import pyarrow.compute as pc

    if task.format == "tagging":
        sizes = pc.not_equal(pc.list_value_length(table["tokens"]), pc.list_value_length(table["tags"]))
        return _rows_where(sizes, "have more or fewer tags than tokens")
    if task.format == "multiple_choice":
        beyond = pc.greater_equal(table["label"], pc.cast(pc.list_value_length(table["choices"]), "int64"))
        return _rows_where(beyond, "have a label beyond their choices")
    if task.format == "span_qa":
        texts, starts = (pc.struct_field(table["answers"], field) for field in ("text", "answer_start"))
        sizes = pc.not_equal(pc.list_value_length(texts), pc.list_value_length(starts))
        return _rows_where(sizes, "have more or fewer answer texts than answer starts")
    return []


def misplaced_answers(table: pa.Table) -> list[str]:
    """Whether answers stand where they say (a slow look at each row, for `check`)."""
    rows = zip(table["context"].to_pylist(), table["answers"].to_pylist(), strict=True)
    wrong = [
        any(not context.startswith(text, start) for text, start in zip(a["text"], a["answer_start"], strict=True))
        for context, a in rows
    ]
    return _rows_where(wrong, "have an answer that does not stand at its `answer_start` (in characters from 0)")


def _rows_where(flags: Any, what: str) -> list[str]:
    rows = [i for i, flag in enumerate(flags if isinstance(flags, list) else flags.to_pylist()) if flag]
    return [f"{len(rows)} rows {what} (first: row {rows[0]})"] if rows else []


def _labelled(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.greater_equal(table["label"], 0)) if "label" in table.column_names else table


_READERS: Mapping[str, Callable[[Raw, Task, str], tuple[Any, list[str]]]] = MappingProxyType(
    {
        "text": _texts, "text_pair": _texts, "context": _texts, "question": _texts, "prefix": _texts,
        "source_sentence": _texts, "target_sentence": _texts, "id": _texts,
        "choices": _choices, "label": _label, "tokens": _lists, "tags": _tags, "answers": _answers,
    }
)  # fmt: skip

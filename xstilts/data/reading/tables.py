"""The role table of one use of a task in one language: cut, joined, limited; and its key.

A plain task reads its own source. A union reads the sources of its *parts* that have the language,
one part after the other, each with its own columns, splits and limits; a part's label *names*
become ids of the union's table. The union's own limit applies to the whole. All problems are
reported together. `task_data` transforms training rows afterwards.

`key` hashes everything that decides the rows of such a table, so derived data can never be stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xstilts.data.reading import columns, languages, sources
from xstilts.data.reading.role_rows import RoleRows, joined, wrong
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec import splits
from xstilts.spec.digests import digest
from xstilts.spec.format_specs.span_qa import SpanQAOptions
from xstilts.spec.languages import alias
from xstilts.spec.task import Task, Use

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_VERSION = 4
"""Raised when the same source rows come out differently under their roles."""


def role_table(task: Task, use: Use, language: str, context: DataContext) -> RoleRows:
    """Rows of one language under their roles, or what is wrong with them."""
    found = [
        _leaf_table(task, leaf, use, language, context) for leaf in leaves(task, use, language)
    ]
    tables = [one.table for one in found if one.table is not None]
    problems = [text for one in found for text in one.problems] or _unlike(task, tables)
    if problems:
        return wrong(problems)
    return joined(found).first(getattr(task.limits, use) if task.parts else None)


def with_language(table: pa.Table, language: str) -> pa.Table:
    """The rows with a column `language`; a table that has one already is returned unchanged."""
    import pyarrow as pa

    if "language" in table.column_names:
        return table
    return table.append_column(
        "language", pa.repeat(pa.scalar(language, pa.string()), table.num_rows)
    )


def leaves(task: Task, use: Use, language: str) -> tuple[Task, ...]:
    """The parts of a task that have rows in a language, under whatever name; DataError if none has.

    A part that calls it by another name (`en-US` for the union's `en`) reads it by its own.
    """
    if not task.parts:
        return task.leaves
    others = {*task.languages_of(use)} - {language}
    found = tuple(
        leaf
        if word == language
        else leaf.model_copy(
            update={"language_names": {**leaf.language_names, language: leaf.source_word(word)}}
        )
        for leaf in task.leaves
        if (word := alias(language, [w for w in leaf.languages_of(use) if w not in others]))
    )
    if not found:
        raise DataError(
            f"task {task.name}: none of its parts has {use} rows in language {language}"
        )
    return found


def expression(task: Task, leaf: Task, use: Use) -> str:
    """The split expression of a use; DataError if there is none."""
    found = getattr(leaf.splits, use)
    if found is not None:
        return str(found)
    name = called(task, leaf)
    if use != "test" and task.train_task:
        raise DataError(f"task {name} has no split for {use}: it is trained on `{task.train_task}`")
    if use == "dev":
        purpose = "tunes the evaluation" if task.spec.tuned else "chooses checkpoints"
        raise DataError(
            f"task {name} has no split for dev, which {purpose}; "
            'cut one out: `splits: {train: "train[:95%]", dev: "train[95%:]"}`'
        )
    raise DataError(f"task {name} has no split for {use}; name one in `splits:`")


def called(task: Task, leaf: Task) -> str:
    """A task's name; for a part of a union, both names."""
    return f"{task.name}, part {leaf.name}" if task.parts else task.name


def size(task: Task, use: Use, language: str, context: DataContext) -> int:
    """Number of rows in one language, by the sources' own counts, before any transform."""
    total = 0
    for leaf in leaves(task, use, language):
        cut = 0
        for piece in splits.parse(expression(task, leaf, use)):
            start, stop = piece.span(sources.count(leaf, piece.name, language, context))
            cut += stop - start
        total += _at_most(cut, getattr(leaf.limits, use))
    return _at_most(total, getattr(task.limits, use))


def _at_most(rows: int, limit: int | None) -> int:
    return rows if limit is None else min(rows, limit)


# -- what decides the rows


def contents(task: Task, use: Use, language: str, context: DataContext) -> list[Any]:
    """Hashes of the files of a use, and their row filter if there is one, as JSON values."""
    found = [
        _leaf_contents(task, leaf, use, language, context) for leaf in leaves(task, use, language)
    ]
    return found if task.parts else found[0]


def _leaf_contents(
    task: Task, leaf: Task, use: Use, language: str, context: DataContext
) -> list[Any]:
    names = splits.names(expression(task, leaf, use))
    filters = languages.row_filter(leaf, language)
    return [
        *([name, sources.content(leaf, name, language, context)] for name in names),
        *([["row_filter", filters]] if filters else []),
    ]


def key(
    task: Task,
    use: Use,
    languages: tuple[str, ...],
    context: DataContext,
    *,
    transform: str | None,
) -> str:
    """Identifies the rows of a use in `languages` by content; `transform` is the revision of the
    transform applied to them, if any.
    """
    return digest(
        {
            "version": ROWS_VERSION,
            "files": [contents(task, use, one, context) for one in languages],
            "languages": list(languages) if len(languages) > 1 else None,
            "leaves": [
                [_cut(task, leaf, use) for leaf in leaves(task, use, one)] for one in languages
            ],
            "limit": getattr(task.limits, use),
            "labels": list(task.labels),
            "answers": _answers_wanted(task, use),
            "transform": transform,
        }
    )


def _answers_wanted(task: Task, use: Use) -> list[bool] | None:
    """What decides which questions are left out; None for rows that have no answers."""
    if "answers" not in task.spec.roles:
        return None
    return [use == "train", SpanQAOptions.of(task).no_answer]


def _cut(task: Task, leaf: Task, use: Use) -> dict[str, Any]:
    return {
        "file_format": leaf.source.file_format,
        "split": expression(task, leaf, use),
        "limit": getattr(leaf.limits, use),
        "format": leaf.format,
        "columns": leaf.columns,
        "labels": list(leaf.labels),
    }


# -- one part


def _leaf_table(task: Task, leaf: Task, use: Use, language: str, context: DataContext) -> RoleRows:
    name = called(task, leaf)
    own = _own(task, leaf)
    found: list[RoleRows] = []
    problems = []
    if task.parts and leaf.transform is not None:
        problems.append(
            f"task {name}: a part's own transform is not applied; move it to {task.name}"
        )
    for piece in splits.parse(expression(task, leaf, use)):
        source = languages.source_in_words(leaf, language)
        at = f"task {name}: {source}, split {piece.name} (for {use})"
        try:
            raw = sources.read(own, piece.name, language, columns.wanted(own), context)
        except DataError as error:
            problems.append(f"task {name} ({use}): {error}")
            continue
        start, stop = piece.span(raw.table.num_rows)
        if start == stop:  # without rows, columns may have no type
            continue
        read = columns.to_roles(raw.sliced(start, stop), own, use)
        found.append(read.behind({} if start else raw.left_out))
        problems += [f"{at}: {text}" for text in found[-1].problems]
    if problems:
        return wrong(problems)
    whole = joined(found).first(getattr(leaf.limits, use)) if found else wrong([])
    if whole.table is None or not whole.table.num_rows:
        return wrong([_empty(task, leaf, use, language, whole.left_out)])
    return _relabelled(whole, whole.table, task, own)


def _own(task: Task, leaf: Task) -> Task:
    """A leaf as its rows are read: a part of a union has the union's options, and its label table
    unless it states one.
    """
    if not task.parts:
        return leaf
    labels = leaf.labels or task.labels
    return leaf.model_copy(update={"labels": labels, "options": task.options})


def _empty(task: Task, leaf: Task, use: Use, language: str, left_out: Mapping[str, int]) -> str:
    counts = ", ".join(f"{rows:,} {reason}" for reason, rows in left_out.items())
    return (
        f"task {called(task, leaf)}: {languages.source_in_words(leaf, language)}, "
        f"`{expression(task, leaf, use)}` (for {use}): has no usable rows"
        f"{f'; left out: {counts}' if counts else ''}. Take another split or a wider cut"
    )


def _relabelled(read: RoleRows, table: pa.Table, task: Task, leaf: Task) -> RoleRows:
    """A part's rows, whose table is `table`, with label ids replaced by the union's, matched by
    name.
    """
    import pyarrow as pa

    role = task.label_role
    if not task.parts or leaf.labels == task.labels or role is None or not task.spec.labelled:
        return read
    absent = [label for label in leaf.labels if label not in task.labels]
    if absent:
        return wrong(
            [
                f"task {called(task, leaf)}: has labels that {task.name} lacks: "
                f"{', '.join(absent)}; must be among [{', '.join(task.labels)}]"
            ]
        )
    place = table.column_names.index(role)
    ids = pa.array([task.labels.index(label) for label in leaf.labels], pa.int64())
    column = _mapped(table[role].combine_chunks(), ids)
    return replace(read, table=table.set_column(place, role, column))


def _mapped(column: Any, ids: pa.Array) -> Any:
    import pyarrow as pa

    if not pa.types.is_list(column.type):
        return ids.take(column)
    return pa.ListArray.from_arrays(column.offsets, ids.take(column.values))


def _unlike(task: Task, tables: list[pa.Table]) -> list[str]:
    """A problem if the parts of a union have different roles."""
    different = list(dict.fromkeys(", ".join(table.column_names) for table in tables))
    if len(different) <= 1:
        return []
    return [
        f"task {task.name}: its parts have different roles: {' against '.join(different)}; "
        "set their `columns:`"
    ]

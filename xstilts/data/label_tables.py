"""Label tables that are taken from the data: a task's own, and all of a sweep's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xstilts.data.reading import columns, labels, languages, sources, tables
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec import splits
from xstilts.spec.task import Task, Use
from xstilts.store.kept import kept, names as names_kept


def with_labels(task: Task, context: DataContext) -> Task:
    """The task with its label table, taken from its training and development rows if it states
    none.

    The table is sorted and ends with `labels.UNSEEN`, which stands for any other label of the test
    rows. Limits do not shorten it. A task is returned unchanged if it states its labels, needs
    none, has no training rows, or is trained on the rows of another task, whose table it takes
    (`sweep_labels`).
    """
    if not is_open(task) or task.train_task or not task.has("train"):
        return task
    uses: tuple[Use, ...] = ("train", "dev") if task.has("dev") else ("train",)
    places = [
        (use, one, leaf)
        for use in uses
        for one in task.languages_of(use)
        for leaf in tables.leaves(task, use, one)
    ]
    what = [
        [tables.contents(task, use, one, context), leaf.columns, list(leaf.labels)]
        for use, one, leaf in places
    ]
    cuts = [tables.expression(task, leaf, use) for use, _, leaf in places]

    def table() -> list[str]:
        names = (name for place in places for name in _label_names(task, *place, context))
        return list(labels.open_table(names))

    decided_by = [tables.ROWS_VERSION, task.format, what, cuts]
    folder = Path(context.cache) / "labels"
    found = kept(folder, decided_by, table, names_kept, keep=not context.looks_only)
    return task.model_copy(update={"labels": tuple(found)})


def is_open(task: Task) -> bool:
    """Whether a task needs a label table and states none."""
    return task.spec.labelled and not task.labels


def sweep_labels(
    tasks: Iterable[Task], context: DataContext, *, unread: dict[str, str] | None = None
) -> tuple[Task, ...]:
    """A sweep's tasks with their label tables; a task trained on another's rows takes the table of
    that training task.

    Raises DataError where rows can't be read; with `unread`, such a task stays as it is and the
    reason goes there under its name.
    """
    found = {task.name: _labelled(task, context, unread) for task in tasks}
    return tuple(
        task.model_copy(update={"labels": found[task.train_task].labels})
        if is_open(task) and task.train_task in found
        else task
        for task in found.values()
    )


def _labelled(task: Task, context: DataContext, unread: dict[str, str] | None) -> Task:
    try:
        return with_labels(task, context)
    except (DataError, OSError) as error:
        if unread is None:
            raise
        unread[task.name] = str(error)
        return task


def _label_names(task: Task, use: Use, language: str, leaf: Task, context: DataContext) -> set[str]:
    """The label names in one part's rows, over all cuts of its splits."""
    if leaf.labels:
        return set(leaf.labels)
    column = leaf.column(task.label_role or "label")
    names: set[str] = set()
    for piece in splits.parse(tables.expression(task, leaf, use)):
        raw = columns.with_fields(
            sources.read(leaf, piece.name, language, (column, column.partition(".")[0]), context),
            (column,),
        )
        source = languages.source_in_words(leaf, language)
        at = f"task {tables.called(task, leaf)}: {source}, split {piece.name}"
        if column not in raw.columns:
            raise DataError(
                f"{at}: has no column `{column}` to take the labels from; it has "
                f"{', '.join(raw.columns)}"
            )
        cut = raw.sliced(*piece.span(raw.table.num_rows))
        tags = task.spec.label_kind == "tags"
        try:
            names |= labels.names_in(cut.table[column], column, cut, tags=tags)
        except DataError as error:
            raise DataError(f"{at}: {error}") from error
    return names

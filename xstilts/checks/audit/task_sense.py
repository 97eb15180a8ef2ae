"""What a task's own fields make doubtful: a positive label that means "no", tags whose positions
are written otherwise, and development rows that are training rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xstilts.data import tag_notes
from xstilts.spec import splits
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.task import Task
from xstilts.store.doubts import Doubt

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext

_OF_ONE_LABEL = ("binary_f1", "accuracy_f1")
"""Metrics that another positive label changes; Matthews' correlation is the same for both."""
_NO_AND_YES = (
    ("no", "yes"),
    ("false", "true"),
    ("0", "1"),
    ("negative", "positive"),
    ("neg", "pos"),
    ("incorrect", "correct"),
    ("wrong", "right"),
)


def positive(task: Task) -> Iterator[Doubt]:
    """A metric of one label that by its place is the one for "no"."""
    options = task.options
    if (
        task.metric not in _OF_ONE_LABEL
        or not isinstance(options, ClassificationOptions)
        or options.positive_label is not None
        or len(task.labels) != 2
    ):
        return
    first, last = (label.strip().lower() for label in task.labels)
    denied = any(last == f"{word}{sign}{first}" for word in ("not", "no", "non") for sign in "_- ")
    if denied or (last, first) in _NO_AND_YES:
        yes, no = task.labels
        yield Doubt(
            task=task.name,
            message=(
                f"{task.metric} is of `{no}`, because the last label is the positive one; if that "
                f"is meant, say so (`options: {{positive_label: {no}}}`), otherwise name `{yes}`"
            ),
        )


def tags(task: Task) -> Iterator[Doubt]:
    """Positions of tags that the metric does not read as such."""
    told = tag_notes.respelled(task)
    if told:
        yield Doubt(task=task.name, message=told)


def chosen_by_training_rows(task: Task, context: DataContext) -> Iterator[Doubt]:
    """Development rows that are training rows by their place in the source; DataError if a source
    can't be read.
    """
    for leaf in task.leaves:
        train_names, dev_names = (
            splits.names(expression) if expression else ()
            for expression in (leaf.splits.train, leaf.splits.dev)
        )
        if not {*train_names} & {*dev_names}:
            continue
        for language in leaf.train_languages:
            train, dev = (_rows(leaf, use, language, context) for use in ("train", "dev"))
            shared = sum(
                max(0, min(stop, end) - max(start, begin))
                for name, start, stop in train
                for other, begin, end in dev
                if name == other
            )
            if shared:
                n_dev = sum(end - begin for _, begin, end in dev)
                yield Doubt(
                    task=task.name,
                    message=(
                        f"{shared:,} of {n_dev:,} dev rows are training rows "
                        f"(`{leaf.splits.train}` and `{leaf.splits.dev}`): checkpoints and "
                        "hyperparameters are chosen by what was learned by heart; cut them apart"
                    ),
                )
                return


def _rows(task: Task, use: str, language: str, context: DataContext) -> list[tuple[str, int, int]]:
    """Split of the source, first row and the one after the last, of each piece of a use."""
    from xstilts.data.reading import sources

    left = getattr(task.limits, use)
    found = []
    for piece in splits.parse(getattr(task.splits, use)):
        start, stop = piece.span(sources.count(task, piece.name, language, context))
        if left is not None:
            stop = min(stop, start + left)
            left -= stop - start
        found.append((piece.name, start, stop))
    return found

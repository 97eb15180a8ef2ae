"""Rules that types can't express, for one task or one group of settings at a time.

Each rule notes its problems in the document and goes on. Rules that need more than one part of a
sweep are in `sweep_rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xstilts.errors import DataError, nearest
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.format_specs.options import EmbeddingOptions
from xstilts.spec.frozen import Frozen
from xstilts.spec.hyperparameters import Choice, Hyperparameters, IntRange, LogRange
from xstilts.spec.names import strange
from xstilts.spec.splits import parse as parse_split
from xstilts.spec.task import Task
from xstilts.sweep_file import language_rules
from xstilts.sweep_file.hints import WRONG, describe, hint_of, scalar, shown
from xstilts.sweep_file.value_types import complain_twice
from xstilts.sweep_file.yaml_document import Document, Path, path_text


def settings(document: Document, clean: dict[str, Any], path: Path) -> dict[str, Any]:
    """Checks search spaces against the types of their settings, and converts their values."""
    settled = dict(clean)
    for name, space in clean.items():
        if isinstance(space, Choice | LogRange | IntRange):
            settled[name] = _space(document, name, space, (*path, name))
    return settled


def _space(document: Document, name: str, space: Choice | LogRange | IntRange, path: Path) -> Any:
    (key, values), *_ = space.model_dump().items()
    hint = hint_of(Hyperparameters, name)
    typed = [scalar(hint, value) for value in values]
    for i, (value, clean) in enumerate(zip(values, typed, strict=True)):
        if clean is WRONG:
            at = (*path, key, i)
            document.complain(at, f"{path_text(at)} is {shown(value)}; must be {describe(hint)}")
    if WRONG in typed:
        return WRONG
    if len(set(typed)) < len(typed):
        document.complain(path, f"{path_text(path)} has the same value twice; keep one")
        return WRONG
    return Choice(choice=tuple(typed)) if isinstance(space, Choice) else space


def task(document: Document, task: Task, path: Path) -> None:
    """Checks a task that a sweep file defines or changes."""
    where = path_text(path)
    metrics = task.spec.metrics
    if task.metric not in metrics:
        message = f'{where}.metric is "{task.metric}"; {task.format} has {", ".join(metrics)}'
        document.complain((*path, "metric"), message)
    for field in ("languages", "labels"):
        complain_twice(document, getattr(task, field), (*path, field))
    complain_twice(document, task.train_languages, (*path, "train_language"))
    if not task.train_languages:
        message = f"{where}.train_language is empty; must be a language, or a list of one or more"
        document.complain((*path, "train_language"), message)
    language_rules.task(document, task, path)
    _hub(document, task, path)
    left_open = task.spec.open_labels and not task.labels
    refused = (*path, "labels", 1) in document.lines  # two are there, but not as text
    if task.spec.labelled and len(task.labels) < 2 and not left_open and not refused:
        document.complain(
            path, f"{where}.labels must list the label names in the order of their ids, two or more"
        )
    _metric_of_one_label(document, task, path)
    _union(document, task, path)
    _options(document, task, path)
    _transform(document, task, path)
    for role in sorted(set(task.columns) - set(task.spec.roles)):
        message = (
            f'{where}.columns has "{role}", which is no role of '
            f"{task.format}{nearest(role, task.spec.roles)}"
        )
        document.complain((*path, "columns", role), message)
    for use, expression in task.splits.model_dump().items():
        try:
            parse_split(expression or "train")
        except DataError as error:
            document.complain((*path, "splits", use), f"{where}.splits.{use}: {error}")


def _hub(document: Document, task: Task, path: Path) -> None:
    """Ids and revisions that no hub and no mirror can have."""
    places = {"id": ("hub", task.source.hub), "revision": ("revision", task.source.revision)}
    for what, (key, name) in places.items():
        if name is not None and any(map(strange, name.split("/"))):
            at = (*path, "source", key)
            must = "as a hub has it: owner/name" if what == "id" else "a branch, tag or commit"
            document.complain(at, f'{path_text(at)} is "{name}"; must be {must}')


def _metric_of_one_label(document: Document, task: Task, path: Path) -> None:
    """A metric of one label against the rest, where nobody says which of three or more it is."""
    options = task.options
    if (
        task.metric in ("binary_f1", "accuracy_f1", "matthews")
        and len(task.labels) > 2
        and isinstance(options, ClassificationOptions)
        and options.positive_label is None
    ):
        shown = ", ".join(task.labels[:4]) + (", ..." if len(task.labels) > 4 else "")
        document.complain(
            (*path, "metric"),
            f"{path_text(path)}.metric is {task.metric}, which is of one label against all others; "
            f"the task has {len(task.labels)} ({shown}): take accuracy, or name the label "
            "(`options: {positive_label: ...}`)",
        )


def _options(document: Document, task: Task, path: Path) -> None:
    """Options that name a label or hidden state that can't exist."""
    options, at = task.options, (*path, "options")
    if isinstance(options, ClassificationOptions):
        _positive_label(document, options.positive_label, task.labels, (*at, "positive_label"))
    if isinstance(options, EmbeddingOptions):
        _sweeps(document, options, at)


def _positive_label(
    document: Document, label: str | None, labels: tuple[str, ...], at: Path
) -> None:
    if label not in (None, *labels):
        message = f'{path_text(at)} is "{label}"; must be a label'
        document.complain(at, message + nearest(str(label), labels))


def _sweeps(document: Document, options: EmbeddingOptions, at: Path) -> None:
    complain_twice(document, options.sweep_poolings, (*at, "sweep_poolings"))
    layers = options.sweep_layers
    if layers != "all":
        complain_twice(document, layers, (*at, "sweep_layers"))
        if layers and min(layers) < -1:
            must = "each must be -1 (the last hidden state), 0 (the embeddings) or more"
            document.complain(
                (*at, "sweep_layers"), f"{path_text(at)}.sweep_layers has {min(layers)}; {must}"
            )


def own_options(document: Document, fields: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The options in a task's fields that its format reads. Options of other formats are problems,
    unless they have their default, as in a task that is like one of another format.
    """
    given, spec = fields.get("options", {}), FORMATS[fields["format"]]
    options = given.model_dump(exclude_unset=True) if isinstance(given, Frozen) else dict(given)
    for name in spec.foreign(options):
        at = (*path, "options", name)
        document.complain(at, spec.no_option(path_text(at)))
    return {name: value for name, value in options.items() if name in spec.options.model_fields}


def _transform(document: Document, task: Task, path: Path) -> None:
    """A transform needs training rows of the task itself, in a format that it can rewrite."""
    if task.transform is None:
        return
    at = (*path, "transform")
    if not task.trainable or task.spec.language_model:
        document.complain(at, f"{path_text(at)}: the rows of {task.format} cannot be transformed")
    elif task.train_task is not None and not task.has("train"):
        other = f"it is trained on {task.train_task}"
        need = f"give a task like {task.train_task} the transform, and name that as train_task"
        document.complain(at, f"{path_text(at)}: {task.name} has no training rows, {other}; {need}")
    for name, one in task.transform:
        if hasattr(one, "languages"):
            complain_twice(document, one.languages, (*at, name, "languages"))


def _union(document: Document, task: Task, path: Path) -> None:
    """A union must have parts that can share a head."""
    where, at = path_text(path), (*path, "parts")
    if task.source.union != bool(task.parts):
        need = "a union needs `parts`, and parts need `source: {union: true}`"
        document.complain(at, f"{where}: {need}")
    complain_twice(document, [part.name for part in task.parts], at)
    wrongs: dict[str, list[str]] = {}
    for part in task.parts:
        if part.parts:
            wrong = "is a union itself; name its parts"
        elif part.format != task.format:
            wrong = f"is {part.format}; must be {task.format}"
        elif set(part.labels) != set(task.labels) and (task.labels or not task.spec.labelled):
            wrong = (
                f"has the labels {_listed(part.labels)}; must have {_listed(task.labels)}, in "
                "any order"
            )
        else:
            continue
        wrongs.setdefault(wrong, []).append(f'"{part.name}"')
    for wrong, names in wrongs.items():
        document.complain(at, f"{where}.parts: {', '.join(names)} {wrong}")


def _listed(labels: tuple[str, ...]) -> str:
    return shown(list(labels))

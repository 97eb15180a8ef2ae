"""The built-in tasks and what is known of them without their data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xstilts.api.verb_values import TaskFacts
from xstilts.errors import InputError, nearest
from xstilts.spec.languages import is_known, resolve, suggestion
from xstilts.spec.task import Task


def list_tasks(
    name: str | None = None,
    *,
    groups: Sequence[str] = (),
    format: str | None = None,
    language: str | None = None,
) -> list[TaskFacts]:
    """The built-in tasks, or the one called `name`; those that are in all `groups`, of a format,
    scored or trained in a language.

    Raises InputError for a name, group, format or language that no task has.
    """
    from xstilts.spec.format_specs import FORMATS
    from xstilts.tasks import GROUPS, TASKS

    _known("task", [name] if name is not None else [], TASKS)
    _known("group", groups, GROUPS)
    _known("format", [format] if format is not None else [], FORMATS)
    found = [task for task in TASKS.values() if name in (None, task.name)]
    found = [task for task in found if {*groups} <= {*task.groups}]
    found = [task for task in found if format in (None, task.format)]
    if language is not None:
        if not any(speaks(task, language) for task in TASKS.values()):
            raise InputError(f'no built-in task has the language "{language}"{_meant(language)}')
        found = [task for task in found if speaks(task, language)]
    return [facts(task) for task in found]


def speaks(task: Task, language: str) -> bool:
    """Whether a task is scored or trained in a language, whatever either calls it: `zho`, `zh-CN`
    and `zh` find each other, and so do `pt` and `pt-BR`.
    """
    wanted = resolve(language).code
    return any(wanted == resolve(one).code for one in (*task.languages, *task.train_languages))


def _meant(word: str) -> str:
    """`; nearest: zh` for a word that is no code (`chinese`); empty for one that is, and for one
    that means nothing.
    """
    code = "" if is_known(word) else suggestion(word)
    return f"; nearest: {code}" if code else ""


def _known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    for one in given:
        if one not in names:
            raise InputError(f'there is no {what} "{one}"{nearest(one, names)}')


def facts(task: Task) -> TaskFacts:
    """What is known of a task."""
    from xstilts.checks.task_sizes import size
    from xstilts.tasks.cards import card_of
    from xstilts.tasks.corpora import corpus_of

    card = card_of(task)
    return TaskFacts(
        name=task.name,
        format=task.format,
        metric=task.metric,
        metrics=list(task.spec.metrics),
        source=_source(task),
        columns={role: task.column(role) for role in task.spec.roles if role in task.columns},
        splits={use: text for use, text in task.splits.model_dump().items() if text},
        rows={use: size(task, use) for use in ("train", "dev", "test")},  # type: ignore[arg-type]
        languages=list(task.languages),
        train_languages=list(task.train_languages) if task.trainable else [],
        labels=list(task.labels),
        train_task=task.train_task,
        parts=[part.name for part in task.parts],
        groups=list(task.groups),
        options=_options(task),
        licence=task.licence,
        obtain=task.obtain,
        corpus=corpus_of(task),
        characters=card.characters if card else None,
    )


def _source(task: Task) -> str:
    """Where its rows come from, in words."""
    source = task.source
    if source.hub:
        config = f" `{source.config}`" if source.config else ""
        revision = f" at {source.revision}" if source.revision != "main" else ""
        return f"{source.hub}{config}{revision}"
    if source.files:
        return f"files {', '.join(source.files)}"
    return f"the generator's {source.generator}" if source.generator else "its parts"


def _options(task: Task) -> dict[str, Any]:
    return {name: getattr(task.options, name) for name in task.spec.options.model_fields}

"""The data and the models that a plan reads: where they are, what they are, and what is wrong with
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from xstilts.api.opened import AnySweep, base_of
from xstilts.errors import DataError
from xstilts.planning import Plan
from xstilts.planning.filling import Revisions, trained_tasks
from xstilts.spec.sweep import Model, Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


def data_context(sweep: AnySweep, loaded: Sweep, opened: Store) -> DataContext:
    """Where the rows of a sweep are looked for; `sweep` is what the verb was given, `loaded` what
    came of it.
    """
    from xstilts.sources.context import DataContext

    return DataContext(mirror=loaded.mirror, base=base_of(sweep), cache=str(opened.data))


def with_labels(loaded: Sweep, context: DataContext) -> Sweep:
    """The sweep with the label tables that its tasks take from their training rows. Raises
    DataError.
    """
    from xstilts.data import task_data

    return loaded.model_copy(update={"tasks": task_data.sweep_labels(loaded.tasks, context)})


def labelled(loaded: Sweep, context: DataContext) -> Sweep:
    """The same, and the sweep as it is where a table cannot be read: the check of the data says
    why.
    """
    try:
        return with_labels(loaded, context)
    except DataError:
        return loaded


def resolve(made: Plan, context: DataContext) -> Revisions:
    """Revisions of all that the plan reads. Raises DataError where something is missing."""
    from xstilts.data import task_data

    return Revisions(
        train={
            name: task_data.revision(made.sweep.task(name), "train", context)
            for name in trained_tasks(made)
        },
        evaluate={
            name: task_data.revision(made.sweep.task(name), "evaluate", context)
            for name in made.sweep.targets
        },
        models={name: revision() for name, revision in _models(made, context).items()},
    )


def problems(made: Plan, context: DataContext) -> Iterator[str]:
    """All that is wrong with the models and the data, a message each; one may come twice."""
    from xstilts.data import task_data

    for revision in _models(made, context).values():
        try:
            revision()
        except DataError as error:
            yield str(error)
    for name in trained_tasks(made):
        yield from task_data.check(made.sweep.task(name), "train", context)
    for task in map(made.sweep.task, made.sweep.targets):
        if not (
            task_data.is_open(task) and task.train_task
        ):  # its training task's table cannot be read: told already
            yield from task_data.check(task, "evaluate", context)


def _models(made: Plan, context: DataContext) -> dict[str, Callable[[], str]]:
    """Id of each base model and tokenizer that is read, to what finds its revision."""
    from xstilts.sources.base_models import model_revision

    found: dict[str, Callable[[], str]] = {}
    for model in made.sweep.models:
        if isinstance(model, Model):
            found[model.id] = partial(model_revision, model.id, context, model.revision)
        else:
            found.setdefault(
                model.tokenizer, partial(model_revision, model.tokenizer, context, weights=False)
            )
    return found

"""The data and models that a plan reads: where they lie, their revisions, their problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xstilts.api.given import AnySweep, base_of
from xstilts.errors import DataError
from xstilts.planning import Plan
from xstilts.planning.filling import Revisions, trained_tasks
from xstilts.sources.sweep_models import SweepModel, sweep_models
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


def data_context(given: AnySweep, sweep: Sweep, store: Store) -> DataContext:
    """Where the rows of `sweep` are looked for; `given` is the verb's argument."""
    from xstilts.sources.context import DataContext

    return DataContext(mirror=sweep.mirror, base=base_of(given), cache=str(store.data))


def with_labels(sweep: Sweep, context: DataContext) -> Sweep:
    """The sweep, with label tables filled in for tasks that take them from their training rows.
    Raises DataError.
    """
    from xstilts.data import task_data

    return sweep.model_copy(update={"tasks": task_data.sweep_labels(sweep.tasks, context)})


def resolve(plan: Plan, context: DataContext) -> Revisions:
    """Revisions of everything that the plan reads. Raises DataError where something is missing."""
    from xstilts.data import task_data

    return Revisions(
        train={
            name: task_data.revision(plan.sweep.task(name), "train", context)
            for name in trained_tasks(plan)
        },
        evaluate={
            name: task_data.revision(plan.sweep.task(name), "evaluate", context)
            for name in plan.sweep.targets
        },
        models={name: revision(one, context) for name, one in base_models(plan).items()},
    )


def problems(plan: Plan, context: DataContext) -> Iterator[str]:
    """A message for each problem with the models and the data; messages may repeat."""
    from xstilts.data import task_data

    for model in base_models(plan).values():
        try:
            revision(model, context)
        except DataError as error:
            yield str(error)
    for name in trained_tasks(plan):
        yield from task_data.check(plan.sweep.task(name), "train", context)
    for task in map(plan.sweep.task, plan.sweep.targets):
        # An open table here means that the training task's rows can't be read: reported above.
        if not (task_data.is_open(task) and task.train_task):
            yield from task_data.check(task, "evaluate", context)


def base_models(plan: Plan) -> dict[str, SweepModel]:
    """Id to base model or tokenizer; where an id is both, the base model wins. Translators are left
    out: they belong to the tasks whose rows they translate.
    """
    named = [one for one in sweep_models(plan.sweep) if one.role != "translator"]
    return {one.id: one for one in sorted(named, key=lambda one: one.weights)}


def revision(model: SweepModel, context: DataContext) -> str:
    """The revision of a model's files, or of its tokenizer's; DataError where there are none."""
    from xstilts.sources.base_models import model_revision

    return model_revision(model.id, context, model.revision, weights=model.weights)

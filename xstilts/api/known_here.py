"""Which revisions of a sweep's data and models can be known on this machine, and why others can't.

Nothing is written, and no hub is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from xstilts.api import inputs
from xstilts.errors import XstiltsError, first_line
from xstilts.planning import Plan, Slot
from xstilts.planning.filling import Revisions, trained_tasks
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Action

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


class KnownHere:
    """A plan with its label tables, and the revisions that it reads, as far as they are known."""

    def __init__(self, plan: Plan, context: DataContext) -> None:
        self.unknown: dict[str, str] = {}
        """`data of squad`, `model org/name`: why its revision is not known."""
        self._context = inputs.only_looking(context)
        self.plan = replace(plan, sweep=self._labelled(plan.sweep))
        models = inputs.base_models(plan)
        self.revisions = Revisions(
            train=self._of_tasks(trained_tasks(plan), "train"),
            evaluate=self._of_tasks(plan.sweep.targets, "evaluate"),
            models=self._known(
                "model", models, lambda name: inputs.revision(models[name], self._context)
            ),
        )

    def lacks(self, slot: Slot) -> list[str]:
        """What a slot's phase needs and is not known; its parents' phases are not looked at."""
        sweep = self.plan.sweep
        evaluates = slot.kind == "evaluate"
        names = [slot.target] if evaluates else sweep.members(slot.task)
        known = self.revisions.evaluate if evaluates else self.revisions.train
        lacking = [f"data of {name}" for name in names if name not in known]
        model = next(one for one in sweep.models if one.label == slot.model)
        read = model.id if isinstance(model, Model) else model.tokenizer
        return lacking if read in self.revisions.models else [*lacking, f"model {read}"]

    def _labelled(self, sweep: Sweep) -> Sweep:
        """The sweep with the label tables that can be known."""
        from xstilts.data import task_data

        found = []
        for task in sweep.tasks:
            try:
                found.append(task_data.with_labels(task, self._context))
            except (XstiltsError, OSError) as error:
                self.unknown[f"data of {task.name}"] = first_line(error)
                found.append(task)
        tasks = task_data.sweep_labels(
            [t for t in found if not self._is_unknown(t.name)], self._context
        )
        labelled = {task.name: task for task in tasks}
        for task in tasks:
            if task_data.is_open(task) and task.train_task:
                why = f"its labels are those of {task.train_task}, which are not known"
                self.unknown[f"data of {task.name}"] = why
        return sweep.model_copy(update={"tasks": tuple(labelled.get(t.name, t) for t in found)})

    def _is_unknown(self, name: str) -> bool:
        return f"data of {name}" in self.unknown

    def _of_tasks(self, names: Iterable[str], action: Action) -> dict[str, str]:
        from xstilts.data import task_data

        readable = [name for name in names if not self._is_unknown(name)]
        task = self.plan.sweep.task
        return self._known(
            "data of",
            readable,
            lambda name: task_data.revision(task(name), action, self._context),
        )

    def _known(
        self, what: str, names: Iterable[str], revision: Callable[[str], str]
    ) -> dict[str, str]:
        found = {}
        for name in names:
            try:
                found[name] = revision(name)
            except (XstiltsError, OSError) as error:
                self.unknown.setdefault(f"{what} {name}", first_line(error))
        return found

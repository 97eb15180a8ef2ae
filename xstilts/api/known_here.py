"""Which revisions of a plan's data and models are known on this machine, and why others are not.

They are only looked at: no hub is asked, nothing is downloaded or written. What is not known is
named as `task ccg` or `model org/name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from xstilts.api import inputs
from xstilts.errors import XstiltsError, first_line
from xstilts.planning import Plan, Slot
from xstilts.planning.filling import Revisions, trained_tasks
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Action

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


class KnownHere:
    """A plan with its label tables, and the revisions that it reads, as far as they are known."""

    def __init__(self, plan: Plan, context: DataContext) -> None:
        self._context = inputs.only_looking(context)
        self.unknown: dict[str, str] = {}
        """`task ccg`, `model org/name`: why its content is not known, in one line."""
        self.plan = replace(plan, sweep=self._labelled(plan.sweep))
        models = inputs.base_models(plan)
        self.revisions = Revisions(
            train=self._of_tasks(trained_tasks(plan), "train"),
            evaluate=self._of_tasks(plan.sweep.targets, "evaluate"),
            models=self._known(
                {name: f"model {name}" for name in models},
                lambda name: inputs.revision(models[name], self._context),
            ),
        )

    def lacks(self, slot: Slot) -> list[str]:
        """What a slot's phase needs and is not known; its parents' phases are not looked at."""
        trained = [] if slot.kind == "evaluate" else self.plan.sweep.members(slot.task)
        return self._lacking(slot, trained)

    def lacks_in_lineage(self, slot: Slot) -> list[str]:
        """What is not known of all that decides a slot's phase, its parents' needs included."""
        members = self.plan.sweep.members
        return self._lacking(slot, [name for one in slot.lineage for name in members(one.task)])

    def _lacking(self, slot: Slot, trained: Iterable[str]) -> list[str]:
        known = self.revisions
        lacking = [f"task {name}" for name in trained if name not in known.train]
        if slot.kind == "evaluate" and slot.target not in known.evaluate:
            lacking.append(f"task {slot.target}")
        model = inputs.model_id(self.plan, slot.model)
        if model not in known.models:
            lacking.append(f"model {model}")
        return list(dict.fromkeys(lacking))

    def _labelled(self, sweep: Sweep) -> Sweep:
        """The sweep with the label tables that can be known. They change no slot."""
        from xstilts.data import task_data

        unread: dict[str, str] = {}
        tasks = task_data.sweep_labels(sweep.tasks, self._context, unread=unread)
        for task in tasks:
            if task.name in unread:
                self._note(f"task {task.name}", unread[task.name])
            elif task_data.is_open(task) and task.train_task in unread:
                why = f"its labels are those of {task.train_task}, which are not known"
                self._note(f"task {task.name}", why)
        return sweep.model_copy(update={"tasks": tasks})

    def _of_tasks(self, names: Iterable[str], action: Action) -> dict[str, str]:
        from xstilts.data import task_data

        def revision(name: str) -> str:
            return task_data.revision(self.plan.sweep.task(name), action, self._context)

        labelled = [name for name in names if f"task {name}" not in self.unknown]
        return self._known({name: f"task {name}" for name in labelled}, revision)

    def _known(self, whats: Mapping[str, str], revision: Callable[[str], str]) -> dict[str, str]:
        found = {}
        for name, what in whats.items():
            try:
                found[name] = revision(name)
            except (XstiltsError, OSError) as error:
                self._note(what, error)
        return found

    def _note(self, what: str, reason: BaseException | str) -> None:
        """Keeps the first reason, in one line that does not repeat what it is about."""
        self.unknown.setdefault(what, first_line(reason).removeprefix(f"{what}: "))

"""How much of a plan is done already, as far as this machine knows.

A phase is done when the store has its record, and which phase a slot is depends on the content of
its data and models. Here they are only looked at: no hub is asked, nothing is downloaded or
written. So what is not on this machine leaves some phases open: they are counted, with the reason.
Phases in the sweep's ledger are known in any case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xstilts.api import inputs
from xstilts.errors import XstiltsError
from xstilts.planning import Plan, Slot
from xstilts.planning.filling import Revisions, known_ids, trained_tasks
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Action
from xstilts.store.ledger import Ledger

if TYPE_CHECKING:
    from xstilts.api.opened import Opened
    from xstilts.sources.context import DataContext


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Data or a model whose content is not known here."""

    what: str
    """`task ccg`, `model org/name`."""
    reason: str
    phases: int
    """Distinct phases of which it is not known, for this reason, whether they are done."""


@dataclass(frozen=True, kw_only=True)
class DoneAlready:
    """Distinct phases of a plan that have a record already."""

    phases: int = 0
    """Those that are known to have one."""
    open: int = 0
    """Those of which it is not known."""
    unread: list[Unread] = field(default_factory=list)
    """Why, most phases first; a phase may have several reasons."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        unread = [
            {"what": one.what, "phases": one.phases, "reason": one.reason} for one in self.unread
        ]
        return {"phases": self.open, "because": unread}


def done_already(opened: Opened) -> DoneAlready:
    """What the store of a sweep says of its plan."""
    done = opened.store.done()
    if not done:
        return DoneAlready()
    in_ledger = {
        entry.slot: entry.phase for entry in Ledger(opened.folder).entries() if entry.phase in done
    }
    look = _Look(opened.plan, inputs.only_looking(opened.context))
    known = known_ids(look.plan, look.revisions, lambda slot: bool(look.lacks(slot)))
    told = {slot.identity for slot in look.plan.slots if slot.key in in_ledger}
    open_slots = [
        slot
        for slot in look.plan.distinct().values()
        if slot.identity != slot.key and slot.identity not in told and look.lacks(slot)
    ]
    counts = Counter(what for slot in open_slots for what in look.lacks(slot))
    return DoneAlready(
        phases=len(set(in_ledger.values()) | (known & done)),
        open=len(open_slots),
        unread=[
            Unread(what=what, reason=look.reasons[what], phases=count)
            for what, count in counts.most_common()
        ],
    )


class _Look:
    """What is known on this machine of the data and models of a plan."""

    def __init__(self, plan: Plan, context: DataContext) -> None:
        self.context = context
        self.reasons: dict[str, str] = {}
        """`task ccg` to why its content is not known."""
        self.plan = replace(plan, sweep=self._labelled(plan.sweep))
        models = inputs.base_models(plan)
        self.revisions = Revisions(
            train=self._of_tasks(trained_tasks(plan), "train"),
            evaluate=self._of_tasks(plan.sweep.targets, "evaluate"),
            models=self._known(
                {name: f"model {name}" for name in models},
                lambda name: inputs.revision(models[name], context),
            ),
        )

    def _labelled(self, sweep: Sweep) -> Sweep:
        """The sweep with the label tables that can be known. They change no slot."""
        from xstilts.data import task_data

        unread: dict[str, str] = {}
        tasks = task_data.sweep_labels(sweep.tasks, self.context, unread=unread)
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
            return task_data.revision(self.plan.sweep.task(name), action, self.context)

        labelled = [name for name in names if f"task {name}" not in self.reasons]
        return self._known({name: f"task {name}" for name in labelled}, revision)

    def _known(self, whats: Mapping[str, str], revision: Callable[[str], str]) -> dict[str, str]:
        found = {}
        for name, what in whats.items():
            try:
                found[name] = revision(name)
            except (XstiltsError, OSError) as error:
                self._note(what, str(error))
        return found

    def _note(self, what: str, reason: str) -> None:
        """The first reason, in one line that does not repeat what it is about."""
        line = reason.partition("\n")[0].removeprefix(f"{what}: ")
        self.reasons.setdefault(what, line)

    def lacks(self, slot: Slot) -> list[str]:
        """What is not known of all that decides a slot's phase."""
        sweep, known = self.plan.sweep, self.revisions
        trained = [name for stage in slot.lineage for name in sweep.members(stage.task)]
        lacking = [f"task {name}" for name in trained if name not in known.train]
        if slot.kind == "evaluate" and slot.target not in known.evaluate:
            lacking.append(f"task {slot.target}")
        model = inputs.model_id(self.plan, slot.model)
        if model not in known.models:
            lacking.append(f"model {model}")
        return list(dict.fromkeys(lacking))

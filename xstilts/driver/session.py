"""The two promises of a run: one driver at a time for a sweep, and one plan for its name and
version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xstilts.errors import CorruptError, Problem, SweepError
from xstilts.spec.digests import differences
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import Lease
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep, sweep_before

_NOT_THE_PLAN = ("resources", "budget", "retention", "store", "tracking", "mirror", "description")
_WORDS = ("obtain", "licence")
_SHOWN = 6


def lease_of(store: Store, sweep: Sweep) -> Lease:
    """The lease that the driver of a sweep holds."""
    return store.lease(f"sweep-{sweep.name}-v{sweep.version}")


@contextmanager
def driver(
    store: Store, sweep: Sweep, tell: Callable[[str], None] = lambda message: None
) -> Iterator[Lease]:
    """Holds the sweep's lease, so that one driver runs it at a time, and yields it. LeaseHeld where
    another has it; `tell` gets a sentence where it must first be found out whether one does.

    Whatever only the driver may do comes after `Lease.check`, which raises LeaseLost where another
    driver has taken the sweep over.
    """
    lease = lease_of(store, sweep)
    with lease.kept(tell=tell):
        yield lease


class OwnLedger(Ledger):
    """The ledger of the sweep whose lease this driver holds: a driver that has lost it can't write
    to it.
    """

    def __init__(self, folder: Path, lease: Lease) -> None:
        super().__init__(folder)
        self._lease = lease

    def write(self, entry: Entry, **changes: Any) -> Entry:
        """Appends an entry. LeaseLost where the sweep is another driver's."""
        self._lease.check()
        return super().write(entry, **changes)

    def choose(self, study: str, slot: str) -> None:
        """Appends what a study chose. LeaseLost where the sweep is another driver's."""
        self._lease.check()
        super().choose(study, slot)


def same_plan(folder: Path, sweep: Sweep) -> list[str]:
    """Writes the sweep beside its ledger. SweepError where the sweep kept there has the same name
    and version but another plan.

    A damaged file is written again; returns what a run tells of that.
    """
    try:
        before, damage = sweep_before(folder), ""
    except CorruptError as error:
        before, damage = None, str(error)
    if before is not None:
        changes = list(differences(_plan_of(before), _plan_of(sweep)))
        if changes:
            shown = "; ".join(
                f"{where}: {old!r} -> {new!r}" for where, old, new in changes[:_SHOWN]
            )
            more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
            message = (
                f"{sweep.name} version {sweep.version} stands for another plan in "
                f"{folder}: {shown}{more}; "
                "raise `version`, or change it back (finished phases are shared all the same)"
            )
            raise SweepError([Problem(message=message)])
    keep_sweep(folder, sweep)
    told = (
        f"{damage}: this run did so from the sweep file; whether that still is the plan that the "
        "sweep was begun with, nobody can tell: if you have changed it since, raise `version`"
    )
    return [told] if damage else []


def _plan_of(sweep: Sweep) -> dict[str, Any]:
    """What a sweep asks for: without resources and places, and without the words about tasks."""
    whole = sweep.model_dump(mode="json")
    plan = {k: v for k, v in whole.items() if k not in _NOT_THE_PLAN}
    return {**plan, "tasks": [_without_words(task) for task in whole["tasks"]]}


def _without_words(task: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in task.items() if k not in _WORDS}
    return {**kept, "parts": [_without_words(part) for part in task["parts"]]}

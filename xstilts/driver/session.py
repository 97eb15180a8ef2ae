"""The two promises of a run: one driver at a time for a sweep, and one plan for its name and
version.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xstilts.errors import CorruptError, LeaseHeld, Problem, SweepError
from xstilts.spec.digests import differences
from xstilts.spec.sweep import Sweep
from xstilts.store.chained import Follower
from xstilts.store.lease import LEASE_SECONDS, Lease
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep, sweep_before

DEAD_HEAD_SECONDS = 1.5 * LEASE_SECONDS
"""How long a job waits for a sweep that another driver seems to run: after a lease's duration
without a sign, it is known.
"""
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
    if in_job():
        _outwait(lease, tell)
    with lease.kept(tell=tell):
        yield lease


def in_job() -> bool:
    """Whether this process is the driver of a Ray job."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def _outwait(lease: Lease, tell: Callable[[str], None]) -> None:
    """Waits while the lease's last sign is too young to be a dead driver's: a job that is submitted
    again just after its cluster's head has died. `xstilts submit` starts no job beside a living
    one, so whoever gave that sign is most likely gone.
    """
    until = time.monotonic() + DEAD_HEAD_SECONDS
    told = False
    while time.monotonic() < until:
        try:
            return lease.look()
        except LeaseHeld as held:
            if held.watched:
                return  # it is watched, and then taken over, by whoever takes the lease
            if not told:
                told = True
                tell(f"{held}; waiting for up to {DEAD_HEAD_SECONDS:.0f} s, as it may have died")
        time.sleep(1)


class OwnLedger(Ledger):
    """The ledger of the sweep whose lease this driver holds: a driver that has lost it can't write
    to it.
    """

    def __init__(self, folder: Path, lease: Lease, follower: Follower | None = None) -> None:
        super().__init__(folder, follower)
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
        changes = changed_words(plan_of(before), plan_of(sweep))
        if changes:
            message = (
                f"{sweep.name} version {sweep.version} stands for another plan in "
                f"{folder}: {changes}; "
                "raise `version`, or change it back (finished phases are shared all the same)"
            )
            raise SweepError([Problem(message=message)])
    keep_sweep(folder, sweep)
    told = (
        f"{damage}: this run did so from the sweep file; whether that still is the plan that the "
        "sweep was begun with, nobody can tell: if you have changed it since, raise `version`"
    )
    return [told] if damage else []


def changed_words(before: Any, now: Any) -> str:
    """What differs between two values of JSON, the first differences one by one; empty where
    nothing does.
    """
    changes = list(differences(before, now))
    shown = "; ".join(f"{where}: {old!r} -> {new!r}" for where, old, new in changes[:_SHOWN])
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return shown + more


def plan_of(sweep: Sweep) -> dict[str, Any]:
    """What a sweep asks for: without resources and places, and without the words about tasks."""
    whole = sweep.model_dump(mode="json")
    plan = {k: v for k, v in whole.items() if k not in _NOT_THE_PLAN}
    return {**plan, "tasks": [_without_words(task) for task in whole["tasks"]]}


def _without_words(task: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in task.items() if k not in _WORDS}
    return {**kept, "parts": [_without_words(part) for part in task["parts"]]}

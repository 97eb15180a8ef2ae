"""What a run may spend, what it has spent, and what becomes of its phases when all is spent.

A meter runs while a phase holds its place. It counts hours of GPUs, by kind, over all runs of the
sweep (`store.spent`), and makes money of them at the sweep's prices; hours on the clock and started
phases count for one run. What is not counted: nodes that are idle, heads without a GPU, disks.

When hours, GPU hours or money are spent, no further phase begins. A running phase whose estimated
rest is within the budget's grace ends; any other stops at its next report, and its last partial
checkpoint is kept. The search is told nothing of that, and the next run carries on. A limit of
phases stops nothing that has begun.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from xstilts.errors import CorruptError, StoreError
from xstilts.spec.gpus import OR, gpu_name
from xstilts.spec.sweep import Budget, Resources
from xstilts.store.ledger import Entry, State
from xstilts.store.phases import Store
from xstilts.store.spent import read_spent, write_spent

KEEP_SECONDS = 5.0
"""Time between two notes of what is spent."""
_NO_GPU = ("x86_64", "aarch64", "arm64", "AMD64", "cpu")
"""What a record calls the device of a phase without a GPU."""


class Meter:
    """Counts what the phases of one run hold. Only the driver's loop calls it."""

    def __init__(
        self,
        budget: Budget,
        resources: Resources,
        folder: Path | None = None,
        before: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder`: the sweep's, where the hours are noted; `before`: those of earlier runs, by
        kind of GPU.
        """
        self._budget, self._gpus = budget, resources.gpus_per_phase
        self._folder, self._clock = folder, clock
        self._hours: dict[str, float] = defaultdict(float, before or {})
        self._running: dict[str, tuple[str, float]] = {}
        """Slot to its kind of GPU and when its phase began to hold its place."""
        self._began = self._kept = clock()
        self.started = 0
        """Phases that this run has started."""

    def begin(self, slot: str, kind: str = "") -> None:
        """A slot's phase holds its place from now on."""
        self._running[slot] = (kind, self._clock())

    def found(self, slot: str, kind: str) -> None:
        """A slot's phase, for which several kinds would do, has held one of this kind."""
        if slot in self._running:
            self._running[slot] = (kind, self._running[slot][1])

    def end(self, slot: str) -> None:
        """A slot's phase has given its place back; nothing happens where it had none."""
        if slot in self._running:
            kind, began = self._running.pop(slot)
            self._hours[kind] += self._gpus * (self._clock() - began) / 3600

    def elapsed(self, slot: str) -> float:
        """Seconds since a slot's phase began to hold its place; 0 where it waits for one."""
        return self._clock() - self._running[slot][1] if slot in self._running else 0.0

    @property
    def running(self) -> list[str]:
        """Slots whose phases hold a place."""
        return list(self._running)

    def hours(self) -> dict[str, float]:
        """Kind of GPU to hours, over all runs of the sweep, up to now."""
        found, now = dict(self._hours), self._clock()
        for kind, began in self._running.values():
            found[kind] = found.get(kind, 0.0) + self._gpus * (now - began) / 3600
        return {kind: hours for kind, hours in found.items() if hours}

    def reached(self) -> str:
        """Which limit is reached, with what was used: `budget of 40 GPU hours, 40.1 used`; empty
        while none is.
        """
        if said := self._spent_time():
            return said
        limit = self._budget.phases
        if limit is not None and self.started >= limit:
            return f"budget of {limit:,} phases, {self.started:,} started"
        return ""

    @property
    def stops(self) -> bool:
        """Whether phases that run are to be stopped where their rest is longer than the grace."""
        return self._budget.when_spent == "checkpoint" and bool(self._spent_time())

    def too_long(self, slot: str, rest_seconds: float) -> bool:
        """Whether a running phase with this rest is to be stopped."""
        return self.stops and rest_seconds > self._budget.grace_minutes * 60

    def _spent_time(self) -> str:
        """The limit of hours, GPU hours or money that is reached."""
        budget, hours = self._budget, self.hours()
        used = (self._clock() - self._began) / 3600
        if budget.hours is not None and used >= budget.hours:
            return f"budget of {budget.hours:g} hours, {used:.1f} used"
        total = sum(hours.values())
        if budget.gpu_hours is not None and total >= budget.gpu_hours:
            return f"budget of {budget.gpu_hours:g} GPU hours, {total:.1f} used"
        money = cost(hours, budget.price_per_gpu_hour)
        if budget.money is not None and money is not None and money >= budget.money:
            return f"budget of {budget.money:g} in money, {money:.2f} used"
        return ""

    def keep(self, *, now: bool = False) -> None:
        """Notes the hours in the sweep's folder, at most every `KEEP_SECONDS` unless `now`."""
        if self._folder is None or not self._gpus:
            return
        if now or self._clock() - self._kept >= KEEP_SECONDS:
            self._kept = self._clock()
            write_spent(self._folder, self.hours())


def cost(hours: Mapping[str, float], prices: float | Mapping[str, float] | None) -> float | None:
    """What GPU hours cost, by kind; None where a kind has no price. The seconds of a phase that
    ended before it was known which of several kinds it held cost as the dearest of them.
    """
    if prices is None:
        return None
    if not isinstance(prices, Mapping):
        return sum(hours.values()) * prices
    by_kind = {gpu_name(kind): price for kind, price in prices.items()}
    total = 0.0
    for kind, one in hours.items():
        found = [by_kind.get(gpu_name(name)) for name in kind.split(OR)] if kind else [None]
        known = [price for price in found if price is not None]
        if len(known) < len(found):
            return None
        total += one * max(known)
    return total


def spent_before(
    folder: Path, entries: Iterable[Entry], store: Store, resources: Resources
) -> dict[str, float]:
    """GPU hours of a sweep's earlier runs by kind: as they were noted, and where the note is lost,
    at least what the records of its phases say.
    """
    if not resources.gpus_per_worker:
        return read_spent(folder) or {}
    noted = read_spent(folder)
    if noted is not None:
        return noted
    seconds = 0.0
    for entry in entries:
        if entry.state is State.DONE:
            seconds += _held(store, entry.phase)
    kind = next(iter(resources.gpus), "")
    return {kind: seconds * resources.gpus_per_worker / 3600} if seconds else {}


def _held(store: Store, phase: str) -> float:
    """Seconds that a phase took, times its workers; 0 where it used no GPU or can't be read."""
    try:
        where = store.phase(phase).record().provenance
    except (StoreError, CorruptError):
        return 0.0
    return 0.0 if where.device in _NO_GPU else where.seconds * where.workers

"""What a run's adapters to Tune share: the board, the places, and what is known of each trial.

It hands out the board's next phase and takes back how it ended: it tells the board, counts what the
phase held (`budget`), and knows whether its process was lost (`departures`) or short of memory
(`memory`). A run that is to end lets its phases keep a partial checkpoint first (`Drive.leave`).

Tune's loop alone calls it, but for `leave` and `ending`, which the main thread sets.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from xstilts.driver import slots as places
from xstilts.driver.board import Assignment, Board
from xstilts.driver.budget import Meter
from xstilts.driver.departures import Departure, Departures
from xstilts.driver.memory import Memory
from xstilts.driver.slots import Slots
from xstilts.spec.gpus import OR
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import LEASE_SECONDS, RENEWALS

Watcher = Callable[[dict[str, Any]], None]
"""Takes a snapshot of the run."""


@dataclass
class Drive:
    """What the three adapters share."""

    board: Board
    sweep: Sweep
    context: dict[str, Any]
    slots: Slots
    meter: Meter
    watch: Watcher
    changed: Callable[[], None]
    departures: Departures
    memory: Memory = field(default_factory=Memory)
    began: float = field(default_factory=time.monotonic)
    stopped: str = ""
    budget: str = ""
    """Which limit of the budget was reached."""
    trials: dict[str, str] = field(default_factory=dict)
    """Tune trial id to slot."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Tune trial id to the kind of GPU that its phase asks for."""
    avoided: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Tune trial id to the nodes on which its phase hung, where it goes to another."""
    halted: set[str] = field(default_factory=set)
    """Tune trials whose phase is to leave, because the budget is spent."""
    taken: set[str] = field(default_factory=set)
    """Tune trials that still run though another driver has taken their phase over."""
    first: Assignment | None = None
    """Taken from the board before Ray was started: a finished sweep needs no Ray."""
    sure: Callable[[], None] = lambda: None
    """Raises LeaseLost where another driver has taken the sweep over. Whatever changes the board
    comes after it.
    """
    leaving: bool = False
    """Nothing more is handed out, and the running phases were told to leave."""
    ending: bool = False
    """Set by the main thread: Tune's loop ends at its next step, and the board is the main thread's
    again.
    """
    signal: int = signal.SIGINT
    """What interrupted the run."""
    _renewed: float = 0.0
    _shown: float = 0.0

    def __deepcopy__(self, memo: Any) -> Drive:
        return self

    def __reduce__(self) -> Any:
        """Tune pickles its adapters for a restore that is never used; leave the run out of it."""
        return object, ()

    def may_go_on(self) -> None:
        """Raises where Tune's loop may touch the board no more."""
        if self.ending:
            raise Ended
        self.sure()

    def tick(self, force: bool = False) -> None:
        """Renews the leases and shows progress, each at its own interval."""
        self.may_go_on()
        now = time.monotonic()
        if now - self._renewed > LEASE_SECONDS / RENEWALS:
            self._renewed = now
            lost = self.board.renew()
            self.taken |= {trial for trial, slot in self.trials.items() if slot in lost}
            if self.first and self.first.slot in lost:
                self.first = None
        self.meter.keep()
        self._spend()
        if force or now - self._shown > 0.5:
            self._shown = now
            waits = "" if self.meter.running or self.stopped else self.slots.waiting()
            self.show(**({"doing": waits} if waits else {}))

    def show(self, **more: Any) -> None:
        """Shows how far the run is, now."""
        snapshot = self.board.snapshot()
        left, slots = snapshot["eta_seconds"], self.slots.now
        left = None if left is None else left / max(1, slots)
        if self.leaving:
            snapshot["doing"] = "keeping checkpoints of the running phases"
        self.watch({**snapshot, "eta_seconds": left, "slots": slots, **more})

    def doing(self, what: str) -> None:
        """Shows what is done before there are phases, or after them."""
        self.show(doing=what)

    def next(self) -> Assignment | None:
        """The board's next phase."""
        first, self.first = self.first, None
        return first or self.board.next()

    def hand_out(self, trial_id: str, kind: str) -> dict[str, Any] | None:
        """The config of the board's next phase, for this trial, which has this kind of GPU; None
        where there is none for it now.
        """
        if self.leaving or self.spent():
            return None
        assignment = self.next()
        if assignment is None:
            self.changed()
            return None
        kind, avoided = self._elsewhere(assignment.spec.id, kind)
        if avoided:
            self.avoided[trial_id] = avoided
        self.trials[trial_id], self.kinds[trial_id] = assignment.slot, kind
        self.departures.begin(trial_id, assignment.spec.id)
        halvings = self.memory.begin(trial_id, assignment)
        self.meter.started += 1
        return {
            "phase": assignment.spec.id,
            "spec": assignment.spec.model_dump(mode="json"),
            "slot": assignment.slot,
            "context": {**self.context, "halvings": halvings},
            "waits": self.sweep.search.stopping != "none" and assignment.spec.action == "train",
            "kind": kind,
            "avoided": avoided,
            "group": places.group(self.sweep.resources, kind, avoided),
        }

    def _elsewhere(self, phase: str, kind: str) -> tuple[str, tuple[str, ...]]:
        """The kind of GPU for a phase, and the nodes that it is not to run on: those on which it
        hung, where it fits on another one.
        """
        nodes = self.departures.hung_on.get(phase, ())
        beside = self.slots.kind_beside(nodes, kind) if nodes else None
        return (kind, ()) if beside is None else (beside, nodes)

    def waiting_elsewhere(self) -> list[str]:
        """The trials that have no place yet and may not have any place: their phases hung."""
        placed = self.meter.running
        return [one for one in self.avoided if self.trials[one] not in placed]

    def hand_on(self, trial_id: str) -> dict[str, Any] | None:
        """The config of the next phase for a trial that keeps its place; None where there is none
        for it now, or the place is another's: of a phase that was handed out before and has none,
        or that hung and is to go elsewhere.
        """
        if not self.slots.own and len(self.meter.running) < len(self.trials):
            return None
        kind = self.kinds[trial_id]
        if self.departures.hung_on and not (self.leaving or self.spent()):
            self.first = self.next()
            if self.first and self._elsewhere(self.first.spec.id, kind)[1]:
                return None
        config = self.hand_out(trial_id, kind)
        if config is not None:
            self.meter.begin(config["slot"], kind)
        return config

    def in_vain(self, waiting: Sequence[str]) -> set[str]:
        """Those of the trials without a place that wait for one that is no longer there: on another
        node than those on which their phases hung, or of a kind of GPU whose nodes have gone since,
        where the sweep takes other kinds too. Nothing says that such a node comes again.
        """
        known = [one for one in waiting if one in self.trials]
        found = {
            one
            for one in known
            if one in self.avoided
            and self.slots.kind_beside(self.avoided[one], self.kinds[one]) is None
        }
        fits, running = self.slots.by_kind, self.running_by_kind()
        if len(fits) == 1 or self.sweep.resources.workers > 1:
            return found
        for kind, most in fits.items():
            of_kind = [one for one in known if self.kinds[one] == kind and one not in found]
            found.update(of_kind[: max(0, running[kind] - most)])
        return found

    def take_back(self, trial_id: str) -> None:
        """Takes its phase from a trial that has no place, as if it had not been handed out."""
        slot = self.trials.pop(trial_id)
        self.avoided.pop(trial_id, None)
        self.memory.end(trial_id)
        self.departures.forget(trial_id)
        self.meter.started -= 1
        if trial_id not in self.taken:
            self.may_go_on()
            self.board.put_back(slot)

    def heard(self, trial_id: str, row: dict[str, Any]) -> None:
        """Notes which kind of GPU a trial has got, where several would do, by the nodes in its
        row.
        """
        slot, kind = self.trials.get(trial_id), self.kinds.get(trial_id, "")
        if slot and OR in kind and (found := self.slots.kind_at(row.get("nodes", ()))):
            self.kinds[trial_id] = found
            self.meter.found(slot, found)

    def ended(self, trial_id: str, row: dict[str, Any], *, died: bool = False) -> None:
        """Tells the board how the phase of a trial ended; where its process died, `departures`
        knows why.
        """
        slot, departures, board = self.trials.pop(trial_id, None), self.departures, self.board
        self.avoided.pop(trial_id, None)
        if slot is not None:
            self.meter.end(slot)
        self.memory.end(trial_id)
        if slot is None or trial_id in self.taken:
            departures.forget(trial_id)
            return
        self.may_go_on()
        status = row.get("status", "")
        if died:
            _departed(self, slot, departures.end(trial_id))
        elif status == "failed":
            _failed(self, slot, row, departures.lost_a_node(trial_id))
        elif status == "done":
            board.done(slot)
        elif status == "taken":
            board.put_back(slot)
        else:
            board.pruned(slot)
        departures.forget(trial_id)
        self.changed()
        self.tick(force=True)

    def leave(self) -> None:
        """Ends the run in order: from Tune's next step on nothing is handed out, and each running
        phase keeps a partial checkpoint and goes; the next run carries on from there.

        Safe from any thread. `stopped` says why; the caller sees to it that this ends in time.
        """
        self.leaving = True

    def spent(self) -> bool:
        """Whether the budget is used up before the plan is done."""
        if not self.budget and not self.board.settled:
            self.budget = self.meter.reached()
            self.stopped = "budget" if self.budget else self.stopped
        return bool(self.budget)

    def _spend(self) -> None:
        """Where the budget's time is spent, chooses the phases that stop, and ends Tune's loop once
        all that is left are phases that wait for a place: they would wait on.
        """
        if not self.spent() or not self.meter.stops:
            return
        for trial, slot in self.trials.items():
            rest = self.board.rest_seconds(slot, self.meter.elapsed(slot))
            if self.meter.too_long(slot, rest):
                self.halted.add(trial)
        if self.trials and not self.meter.running:
            self.ending = True
            raise Ended

    def running_by_kind(self) -> Counter[str]:
        """Kind of GPU to the phases that hold or await one."""
        return Counter(self.kinds[trial] for trial in self.trials)


class Ended(Exception):
    """Ends Tune's loop from inside."""


def _departed(drive: Drive, slot: str, how: Departure) -> None:
    """The process of a slot's phase has gone."""
    board = drive.board
    if how.kind in ("hung", "died"):
        board.failed(slot, how.why, drive.sweep.resources.retries)
    elif how.kind == "short" or drive.departures.may_lose(slot):
        board.put_back(slot)
    else:
        board.failed(slot, f"{how.why}, as often before; it may be the cause itself", retries=0)


def _failed(drive: Drive, slot: str, row: dict[str, Any], lost: bool) -> None:
    """A slot's phase has said that it failed; `lost`: because a node of its workers is gone."""
    if lost and drive.departures.may_lose(slot):
        drive.board.put_back(slot)
        return
    retries = 0 if row.get("hopeless") else drive.sweep.resources.retries
    error = row.get("error") or "it failed without a word"
    drive.board.failed(slot, error, retries, damaged=row.get("damaged", ""))

"""What to run next. Knows no Ray: the engine asks for an assignment and says how it ended.

The board walks the plan. A slot is *ready* when what it needs has a record. It then gets its
hyperparameters (`choosing`) and its phase gets an id; if the store has the record of that phase
already, nothing is run. So a waiting trial holds no resources, a phase that ten slots need is
trained once, and a run is the plan minus the phases that have a record.

Ready slots are handed out in the order of `planning.schedule`: evaluations at once, then the phase
on which most waits, and of equals the study with fewer trials. So a run is as short as its longest
chain allows, and one that is cut short has results, in which the pairs of a target were searched
equally. The times that this takes are estimated first and then seen (`times`).

A phase whose checkpoint was dropped (`keeping`, `xstilts prune`) is done all the same. Only when a
slot is to start from it, or the user asks (`remaking`), it is opened again and trained once more,
and the slot waits.

Rows that a model translates hold back the other phases that read them (`translations`), and so do
rows that are being tokenised without a GPU (`preparation`).
"""

from __future__ import annotations

import heapq
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from xstilts.checks.costs.estimates import phase_seconds
from xstilts.driver.choosing import Choices, blank_entry
from xstilts.driver.outcomes import Outcomes
from xstilts.driver.search import KnownTrial, Studies
from xstilts.driver.standing import Standing, Step
from xstilts.driver.times import Times
from xstilts.driver.translations import Translations
from xstilts.errors import LeaseHeld, StoreError
from xstilts.planning.filling import Revisions, build
from xstilts.planning.needs import Chosen, Filled, Needs
from xstilts.planning.plan import Plan, Slot
from xstilts.planning.schedule import Order, Rank, Seconds
from xstilts.spec.phase import PhaseSpec
from xstilts.store.lease import Lease
from xstilts.store.ledger import Entry, Ledger, StagePhase, State
from xstilts.store.phases import Store

HELD_SECONDS = 1.0
"""Time until the board looks again at a slot whose phase another driver runs, or whose rows are
being translated.
"""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One phase to run now."""

    slot: str
    model: str
    """Label of the base model that it is about."""
    label: str
    spec: PhaseSpec


class Board:
    """State of one run of a sweep. Not thread-safe: the driver's loop alone calls it."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        store: Store,
        studies: Studies,
        revisions: Revisions,
        seconds: Seconds | None = None,
    ) -> None:
        """`seconds`: how long the phases take, as far as that can be known; else an estimate."""
        self._plan, self.ledger, self.store = plan, ledger, store
        self._studies, self._revisions = studies, revisions
        self._slots = {slot.key: slot for slot in plan.slots}
        self._times = Times(seconds or phase_seconds(plan, least=0.0))
        self._order = Order(plan, self._times.seconds)
        self.lacks_data: Callable[[Slot], bool] = lambda slot: False
        """Whether a slot's rows are to be tokenised first, which the answer yes begins."""
        self.prepares: Callable[[], str] = lambda: ""
        """Which rows are tokenised now, in words."""
        self._states = dict.fromkeys(self._slots, State.WAITING)
        self._outcomes = Outcomes(store, plan.sweep)
        self._choices = Choices(plan, ledger, studies, self._outcomes, self._states)
        self._standing = Standing()
        self._waiting: dict[Needs, list[str]] = defaultdict(list)
        self._ready: list[tuple[Rank, str]] = []
        self._retry_at: dict[str, float] = {}
        self._running: dict[str, list[str]] = {}
        """Phase to the slots that wait for it; the first of them runs it."""
        self._leases: dict[str, Lease] = {}
        self._wanted: dict[str, Lease] = {}
        """Leases that others have: each watches its file from one look to the next."""
        self._children: dict[str, set[str]] = defaultdict(set)
        """Phase to the slots whose phases start from its checkpoint."""
        self._remade: set[str] = set()
        """Phases with a record whose checkpoint was dropped and is needed again."""
        self._interval: dict[str, int] = {}
        self._translations = Translations()
        self._load()

    # -- start

    def _load(self) -> None:
        for entry in self._choices.lost_prunings():
            self.ledger.write(entry)
        self.store.expect({entry.phase for entry in self.ledger.entries() if entry.phase})
        for entry in self.ledger.entries():
            self._take_over(entry)
            self._note_parent(entry)
        self._studies.reconcile(self._choices.known_trials())
        for slot in self._plan.slots:
            if self._states[slot.key] is State.WAITING:
                self._wait(slot)

    def _take_over(self, entry: Entry) -> None:
        """Takes over the state of a slot from an earlier run; what failed or was lost is tried
        again.

        A finished slot is walked again like any other, because it may stand for another phase now:
        a trial that failed then may succeed and be chosen, or a file may have changed. Where
        nothing changed, its record is found.
        """
        if entry.slot not in self._slots:
            return
        if entry.state is State.PRUNED:
            self._states[entry.slot] = entry.state
        elif not entry.state.finished and entry.state is not State.WAITING:
            self.ledger.write(entry, state=State.WAITING, error="", attempts=0)

    def _wait(self, slot: Slot) -> None:
        """Makes a slot ready, or lets it wait for what it needs, or blocks it."""
        missing = self._missing(slot)
        if missing is None:
            heapq.heappush(self._ready, (self._order.rank(slot), slot.key))
        elif self._choices.hopeless(missing):
            error = f"it needs {missing}, which failed, was pruned or is blocked"
            self._end(slot, State.BLOCKED, error=error)
        else:
            self._waiting[missing].append(slot.key)

    def _missing(self, slot: Slot) -> Needs | None:
        """The first of what a slot needs that has no record; None where nothing is missing."""
        needs = [slot.needs, *([Chosen(slot.like)] if slot.like else [])]
        return next((one for one in needs if not self._choices.met(one)), None)

    # -- handing out

    def next(self) -> Assignment | None:
        """The next phase to run, or None: nothing is ready now, or all is done (`settled`)."""
        if self._times.news():
            self._rank_anew()
        held: list[tuple[Rank, str]] = []
        try:
            while self._ready:
                item = heapq.heappop(self._ready)
                if self._retry_at.get(item[1], 0) > time.monotonic():
                    held.append(item)
                    continue
                found = self._open(self._slots[item[1]])
                if found == "held":
                    self._retry_at[item[1]] = time.monotonic() + HELD_SECONDS
                    held.append(item)
                elif isinstance(found, Assignment):
                    return found
            return None
        finally:
            for item in held:
                heapq.heappush(self._ready, item)

    def _rank_anew(self) -> None:
        """Ranks the ready slots by the times that were seen."""
        self._order.learn(self._times.seconds)
        self._ready = [(self._order.rank(self._slots[key]), key) for _, key in self._ready]
        heapq.heapify(self._ready)

    def settle(self) -> None:
        """Ends the ready slots whose phase has a record already; runs nothing."""
        kept = []
        while self._ready:
            item = heapq.heappop(self._ready)
            slot = self._slots[item[1]]
            known = self._known_already(slot)
            entry = self._entry(slot)[0] if known and not self._missing(slot) else None
            if entry and self._costs_nothing(entry.phase):
                self._finish(entry, State.CACHED)
            else:
                kept.append(item)
        for item in kept:
            heapq.heappush(self._ready, item)

    def _costs_nothing(self, phase: str) -> bool:
        return self._outcomes.has_record(phase) and phase not in self._running

    def _known_already(self, slot: Slot) -> bool:
        """Whether a slot's hyperparameters are known without asking the search."""
        return not self._choices.searched(slot) or bool(self._choices.remembered(slot))

    def _open(self, slot: Slot) -> Assignment | Literal["held"] | None:
        """Gives a ready slot its phase: returns an assignment if the phase must be run, `held` if
        the slot must wait, None if it has ended or waits for a running phase.
        """
        if self._missing(slot):  # it was ready, and then its parent was found damaged
            self._wait(slot)
            return None
        if not self._known_already(slot) and self.lacks_data(slot):
            return "held"  # the search is asked when the phase can begin
        entry, spec = self._entry(slot)
        if spec.id in self._running:
            self._running[spec.id].append(slot.key)
            self._set(entry, State.RUNNING)
            return None
        if self._has_ended(spec.id):
            self._finish(entry, State.CACHED)
            return None
        if spec.parent_phase and self.store.phase(spec.parent_phase).dropped:
            self._remake(spec.parent_phase)
            self._wait(slot)
            return None
        if self._translations.must_wait(spec) or self.lacks_data(slot):
            return "held"
        lease = self._wanted.pop(spec.id, None) or self.store.lease(spec.id)
        try:
            lease.take()
        except LeaseHeld:
            # Another driver runs this phase: keep the suggestion, once, until it is done.
            self._wanted[spec.id] = lease
            if self.ledger.get(slot.key) is None:
                self.ledger.write(entry)
            return "held"
        phase = self.store.phase(spec.id)
        if phase.complete or (phase.done and spec.id not in self._remade):
            lease.release()  # it was done by another driver just before, or is damaged
            if not self._has_ended(spec.id):
                return "held"  # it was set aside
            self._finish(entry, State.CACHED)
            return None
        return self._begin(slot, entry, spec, lease)

    def _has_ended(self, phase: str) -> bool:
        """Whether a phase is done: with its checkpoint, where that was dropped and is needed."""
        if phase in self._remade and self.store.phase(phase).complete:
            self._remade.discard(phase)
            self._outcomes.forget(phase)
        return phase not in self._remade and self._outcomes.has_record(phase)

    def remake(self, phase: str) -> None:
        """Has a dropped checkpoint made again, though nothing may start from it. Asked before the
        first phase is handed out.
        """
        if not self.store.phase(phase).dropped:
            return
        self._remade.add(phase)
        for entry in self.ledger.entries():
            if entry.phase == phase and entry.state.finished:  # open: what it starts from stays
                self.ledger.write(entry, state=State.WAITING, attempts=0)

    def _remake(self, phase: str) -> None:
        """Opens the slots of a phase again whose checkpoint was dropped and is needed."""
        self._remade.add(phase)
        self._reopen(phase)

    def _begin(self, slot: Slot, entry: Entry, spec: PhaseSpec, lease: Lease) -> Assignment:
        self._leases[spec.id], self._running[spec.id] = lease, [slot.key]
        self._translations.begin(slot.key, spec)
        self._interval[slot.key] = spec.hyper.evaluation_interval_steps
        self._standing.begun(slot.key)
        self._set(entry, State.RUNNING, attempts=entry.attempts + 1)
        self.ledger.durable()
        return Assignment(slot=slot.key, model=slot.model, label=slot.label, spec=spec)

    def _entry(self, slot: Slot) -> tuple[Entry, PhaseSpec]:
        """The ledger's entry for a ready slot, and the phase that fills it."""
        params, before = self._choices.params(slot), self.ledger.get(slot.key)
        needed = self._choices.entry_of(slot.needs)
        spec = build(self._plan, slot, params, needed.phase if needed else "", self._revisions)
        lineage = needed.lineage if needed else ()
        if slot.kind != "evaluate":
            lineage = (*lineage, StagePhase(kind=slot.kind, task=slot.task, phase=spec.id))
        changes = {
            "phase": spec.id,
            "lineage": lineage,
            "params": params,
            "attempts": before.attempts if before else 0,
            "reported": before.reported if before and before.phase == spec.id else (),
        }
        return blank_entry(slot).model_copy(update=changes), spec

    # -- what happened

    def progress(
        self, slot: str, step: int, steps: int, *, doing: str = "", rate: str = ""
    ) -> None:
        """Takes the progress of a running phase."""
        if step > 0:
            self._translations.finish(slot)
        self._standing.at(slot, Step(step, steps, doing=doing, rate=rate))

    def report(self, slot: str, step: int, steps: int, value: float, *, rate: str = "") -> bool:
        """Takes a development value; False where the search prunes the phase. The last evaluation
        never does.
        """
        self.progress(slot, step, steps, rate=rate)
        self._standing.at(slot, Step(step, steps, value, rate=rate))
        place = self._slots[slot]
        if not self._choices.decides(place) or place.kind == "evaluate":
            return True
        # From the step, so that a resumed phase numbers its evaluations as before.
        number = -(-step // self._interval[slot])
        go_on = self._studies.report(place.study, slot, number, value)
        return go_on or step >= steps

    def done(self, slot: str) -> None:
        """The slot's phase ended well; where it left no good record, it failed all the same."""
        if not self._has_ended(self._known(slot).phase):
            retries = self._plan.sweep.resources.retries
            self.failed(slot, "the phase ended without a record that can be read", retries)
            return
        self._translations.finish(slot)
        self._standing.done(slot, self._slots[slot].kind)
        for key in self._close(slot):
            if key == slot:
                self._finish(self._with_reports(self._known(key)), State.DONE)
            else:
                self._finish(self._known(key), State.CACHED)
        self._look_again_at_children(self._known(slot).phase)

    def pruned(self, slot: str) -> None:
        """The search ended the slot's phase early."""
        last = self._standing.steps.get(slot, Step()).value
        for key in self._close(slot):
            if key == slot:
                entry = self._with_reports(self._known(key)).model_copy(update={"pruned_at": last})
                self._end(self._slots[key], State.PRUNED, entry=entry)
            else:
                self._again(key)

    def failed(self, slot: str, error: str, retries: int, *, damaged: str = "") -> bool:
        """The slot's phase failed; True where it will be retried.

        `damaged`: the finished phase whose files it found damaged or dropped, which is made again
        first.
        """
        if damaged and self.store.phase(damaged).dropped:
            self._remake(damaged)
            retries = max(retries, 1)
        elif damaged and self._outcomes.has_record(damaged):
            wrong = self.store.phase(damaged).fault() or "its checkpoint can't be opened"
            self._outcomes.drop(damaged, wrong)
            self._reopen(damaged)
            retries = max(retries, 1)
        again = self._known(slot).attempts <= retries
        for key in self._close(slot):
            if again:
                self._again(key, error)
            else:
                self._end(self._slots[key], State.FAILED, error=error)
        return again

    def _reopen(self, phase: str) -> None:
        """Opens the slots again whose phase is no longer done."""
        entries = [entry for entry in self.ledger.entries() if entry.phase == phase]
        for entry in entries:
            if entry.slot in self._slots and self._states[entry.slot].finished:
                self._set(entry, State.WAITING, attempts=0)
                self._wait(self._slots[entry.slot])

    def _look_again_at_children(self, parent: str) -> None:
        """Opens the slots again whose phase started from a checkpoint of `parent` that was damaged:
        they are done only where it came out the same when it was made again.
        """
        known = [self._known(slot) for slot in sorted(self._children[parent])]
        children = [one for one in known if one.parent == parent]
        for phase in {one.phase for one in children if self._states[one.slot].finished}:
            if not self._outcomes.has_record(phase):
                self._reopen(phase)

    def released(self, slot: str) -> None:
        """The slot's phase was interrupted; the next run resumes it."""
        for key in self._close(slot):
            entry = self._known(key)
            self._set(entry, State.WAITING, attempts=max(0, entry.attempts - 1))

    def _with_reports(self, entry: Entry) -> Entry:
        """The entry with what its phase has reported to the search."""
        return entry.model_copy(update={"reported": self._studies.reported(entry.slot)})

    def put_back(self, slot: str) -> None:
        """The slot's phase stopped through no fault of its own, or another driver works on it now:
        it is handed out again, and this attempt does not count.
        """
        for key in self._close(slot):
            entry = self._known(key)
            self._set(entry, State.WAITING, attempts=max(0, entry.attempts - 1))
            self._wait(self._slots[key])

    def _known(self, key: str) -> Entry:
        """The entry of a slot that was handed out."""
        entry = self.ledger.get(key)
        assert entry is not None
        return entry

    def _close(self, slot: str) -> list[str]:
        """Forgets that a slot runs, and gives its lease back; returns all slots of its phase."""
        phase = self._known(slot).phase
        self._standing.steps.pop(slot, None)
        self._translations.abandon(slot)
        lease = self._leases.pop(phase, None)
        if lease is not None:
            lease.release()
        return self._running.pop(phase, [slot])

    def _again(self, key: str, error: str = "") -> None:
        self._set(self._known(key), State.WAITING, error=error)
        self._wait(self._slots[key])

    def _finish(self, entry: Entry, state: State) -> None:
        """Ends a slot whose phase has its record; where the ledger says so already, nothing
        changes.
        """
        before = self.ledger.get(entry.slot)
        if before is not None and before.state.finished and before.phase == entry.phase:
            entry, state = entry.model_copy(update={"time": before.time}), before.state
        seconds = self._outcomes.seconds(entry.phase)
        if seconds is not None:
            self._times.took(self._slots[entry.slot], seconds)
        self._end(self._slots[entry.slot], state, entry=entry)

    def _end(
        self, slot: Slot, state: State, *, error: str = "", entry: Entry | None = None
    ) -> None:
        entry = entry or self.ledger.get(slot.key) or blank_entry(slot)
        entry = self._set(entry, state, error=error)
        if self._choices.decides(slot) and entry.params:
            value = self._outcomes.value(entry) if state.finished else None
            self._studies.tell(slot.study, KnownTrial(entry, value))
            if value is not None:
                self._standing.scored(slot.study, value)
        self._wake(Filled(slot.key))
        if slot.study:
            self._settle_study(slot.study)

    def _settle_study(self, study: str) -> None:
        """Writes down what a study chose, once it can, and goes on with the slots that wait."""
        chosen = self._choices.chosen(study)
        if chosen is not None:
            self.ledger.choose(study, chosen)
        if chosen is not None or self._choices.hopeless(Chosen(study)):
            self._wake(Chosen(study))

    def _wake(self, needs: Needs) -> None:
        """Goes on with the slots that waited for `needs`."""
        for key in self._waiting.pop(needs, []):
            self._wait(self._slots[key])

    def _set(self, entry: Entry, state: State, **changes: Any) -> Entry:
        self._states[entry.slot] = state
        self._note_parent(entry)
        if self.ledger.get(entry.slot) == entry.model_copy(update={"state": state, **changes}):
            return entry
        return self.ledger.write(entry, state=state, **changes)

    def _note_parent(self, entry: Entry) -> None:
        if entry.parent and entry.slot in self._slots:
            self._children[entry.parent].add(entry.slot)

    # -- how it stands

    @property
    def settled(self) -> bool:
        """Whether every slot has ended."""
        return not self._running and not self._ready and not any(self._waiting.values())

    @property
    def running(self) -> list[str]:
        """Slots whose phases run now; where several wait for one phase, the first of them."""
        return [slots[0] for slots in self._running.values()]

    def rest_seconds(self, slot: str, elapsed: float) -> float:
        """How long a running phase that has taken `elapsed` seconds will go on, as far as is known:
        by its steps, or before its first by phases like it.
        """
        at = self._standing.steps.get(slot, Step())
        if at.step > 0:
            return elapsed * max(0, at.steps - at.step) / at.step
        return max(0.0, self._times.seconds(self._slots[slot]) - elapsed)

    @property
    def set_aside(self) -> list[str]:
        """What was wrong with each damaged phase, and where it was moved to, a sentence each."""
        return list(self._outcomes.set_aside)

    def renew(self) -> list[str]:
        """Renews the leases of the running phases; returns the slots whose phase another driver has
        taken over. They are put back then.
        """
        lost = [phase for phase, lease in self._leases.items() if not lease.renew()]
        slots = [self._running[phase][0] for phase in lost]
        for slot in slots:
            self.put_back(slot)
        return slots

    def give_back(self) -> None:
        """Gives back the leases that are still this driver's, and writes nothing else: for a run
        that ends in an error.
        """
        for lease in self._leases.values():
            with suppress(StoreError):  # it runs out
                lease.release()
        self._leases.clear()

    def failures(self) -> Iterator[Entry]:
        """Slots that failed, then the slots that they block."""
        entries = [e for e in self.ledger.entries() if e.slot in self._slots]
        for state in (State.FAILED, State.BLOCKED):
            yield from (entry for entry in entries if entry.state is state)

    def snapshot(self) -> dict[str, Any]:
        """What `progress.Progress` shows: counts by state, running phases, best value of each
        study, time left.
        """
        steps = {slot: self._standing.steps.get(slot, Step()) for slot in self.running}
        running = [{"name": self._slots[slot].label, **at._asdict()} for slot, at in steps.items()]
        waiting = [self._slots[k] for k, state in self._states.items() if not state.ended]
        counts = Counter(state.value for state in self._states.values())
        return {
            "counts": dict(counts),
            "total": len(self._slots),
            "running": running,
            "best": dict(self._standing.best),
            "eta_seconds": self._standing.seconds_left(waiting, self._times.seconds),
        }

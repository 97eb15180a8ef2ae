"""What to run next. Knows no Ray: the engine asks for an assignment and says how it ended.

The board walks the plan. A slot is *ready* when what it needs has a record: then the search is
asked for its hyperparameters (once; the ledger remembers), the phase gets its id, and if the store
has its record already nothing is run. So a trial that waits holds nothing, a phase that ten slots
ask for is trained once, and "run" is "the plan less what has a record".

Ready slots are handed out by trial number first: every study gets its first trial before any gets
its second, so a run that is cut short has searched all pairs equally.

Rows that are translated are made inside the first phase that reads them. Until it has taken its
first update no other phase of the same rows is handed out: it would hold a GPU and wait.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xstilts.driver.search import Studies
from xstilts.errors import CorruptError, LeaseHeld
from xstilts.planning import BEST, Plan, Slot
from xstilts.planning.filling import Revisions, build
from xstilts.spec.phase import PhaseSpec
from xstilts.store.lease import Lease
from xstilts.store.ledger import ENDED, FINISHED, Entry, Ledger
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One phase to run now."""

    slot: str
    label: str
    spec: PhaseSpec


class Board:
    """State of one run of a sweep. Not thread-safe: the driver's loop alone calls it."""

    def __init__(
        self, plan: Plan, ledger: Ledger, store: Store, studies: Studies, revisions: Revisions
    ) -> None:
        self._plan, self.ledger, self._store = plan, ledger, store
        self._studies, self._revisions = studies, revisions
        self._slots = {slot.key: slot for slot in plan.slots}
        self._order = {slot.key: i for i, slot in enumerate(plan.slots)}
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._ready: list[tuple[int, int, str]] = []
        self._running: dict[str, list[str]] = {}
        self._leases: dict[str, Lease] = {}
        self._steps: dict[str, tuple[int, int, float | None]] = {}
        self._started: dict[str, float] = {}
        self._spent: dict[str, tuple[float, int]] = {}
        self._best: dict[str, float] = {}
        self._interval: dict[str, int] = {}
        self._states: dict[str, str] = dict.fromkeys(self._slots, "waiting")
        self._study_slots: dict[str, list[str]] = defaultdict(list)
        self._quarantined: list[str] = []
        self._retry_at: dict[str, float] = {}
        self._making: dict[str, frozenset[str]] = {}
        self._made: set[str] = set()
        self._load()

    # -- start ---------------------------------------------------------------------------------

    def _load(self) -> None:
        for slot in self._plan.slots:
            if slot.role == "trial" and slot.study and not slot.prefix:
                objective = self._plan.studies[slot.study].objective
                if (slot.kind == "evaluate") == (objective == "oracle"):
                    self._study_slots[slot.study].append(slot.key)
        for entry in self.ledger.entries():
            self._reopen(entry)
        self._studies.reconcile(list(self._told()))
        for slot in self._plan.slots:
            if self._states[slot.key] == "waiting":
                self._wait(slot)

    def _told(self) -> Iterator[Entry]:
        """Entries of the slots whose values are told; one that has not begun has its suggestion
        from another slot.

        That is the intermediate of a joint trial, or the training of a trial that is chosen by its
        evaluation.
        """
        for study, keys in self._study_slots.items():
            for key in keys:
                entry = self.ledger.get(key)
                source = self.ledger.get(f"{key}/intermediate") or self.ledger.get(
                    self._slots[key].needs
                )
                if entry is not None:
                    yield entry
                elif source is not None and source.study == study and source.params:
                    yield _blank(self._slots[key]).model_copy(update={"params": source.params})

    def _reopen(self, entry: Entry) -> None:
        """Takes over what a slot was in an earlier run; what failed or was lost is tried again.

        A finished slot is walked again like any other: it may stand for another phase today,
        because a failed trial was mended and chosen, or a file changed. Where it does not, its
        record is found.
        """
        if entry.slot not in self._slots:
            return
        if entry.state == "pruned":
            self._states[entry.slot] = entry.state
        elif entry.state not in FINISHED and entry.state != "waiting":
            self.ledger.write(entry, state="waiting", error="", attempts=0)

    def _intact(self, phase_id: str) -> bool:
        """Whether a phase has a good record; a damaged one is moved aside, so that it is made
        again.
        """
        phase = self._store.phase(phase_id)
        if not phase.done:
            return False
        try:
            phase.record()
        except CorruptError:
            self._quarantined.append(phase.set_aside())
            return False
        return True

    def _wait(self, slot: Slot) -> None:
        needs = [n for n in (slot.needs, f"{BEST}{slot.like}" if slot.like else "") if n]
        missing = next((n for n in needs if not self._resolved(n)), None)
        if missing is None:
            rank = slot.trial if slot.trial is not None else len(self._slots)
            heapq.heappush(self._ready, (rank, self._order[slot.key], slot.key))
        elif self._hopeless(missing):
            self._end(slot, "blocked", error=f"{missing.removeprefix(BEST)} did not finish")
        else:
            self._waiting[missing].append(slot.key)

    # -- what a slot stands on -----------------------------------------------------------------

    def _resolved(self, needs: str) -> bool:
        if needs.startswith(BEST):
            return self._chosen(needs[len(BEST) :]) is not None
        return self._states[needs] in FINISHED

    def _hopeless(self, needs: str) -> bool:
        if needs.startswith(BEST):
            slots = self._study_slots[needs[len(BEST) :]]
            return (
                all(self._states[s] in ENDED for s in slots)
                and self._chosen(needs[len(BEST) :]) is None
            )
        return self._states[needs] in ENDED and self._states[needs] not in FINISHED

    def _chosen(self, study: str) -> str | None:
        """The training slot a study chose, once all its trials have ended: the best value, the
        first of equals.
        """
        slots = self._study_slots[study]
        if not all(self._states[s] in ENDED for s in slots):
            return None
        values = [
            (entry.value, s)
            for s in slots
            if (entry := self.ledger.get(s))
            and self._states[s] in FINISHED
            and entry.value is not None
        ]
        if not values:
            return None
        best = max(values, key=lambda pair: pair[0])[1]
        if self._slots[best].kind == "evaluate":
            best = self._slots[best].needs
        self.ledger.choose(study, best)
        return best

    def _slot_of(self, needs: str) -> str:
        return (self._chosen(needs[len(BEST) :]) or "") if needs.startswith(BEST) else needs

    def _params(self, slot: Slot) -> dict[str, Any]:
        """The suggestion a slot is run with: remembered, its study's choice, its parent's, or asked
        for now.
        """
        entry = self.ledger.get(slot.key)
        if entry is not None and entry.params and not slot.like and slot.kind != "evaluate":
            return entry.params
        if slot.like:
            chosen = self.ledger.get(self._slot_of(f"{BEST}{slot.like}"))
            return dict(chosen.params) if chosen else {}
        if slot.kind == "evaluate":
            needed = self.ledger.get(self._slot_of(slot.needs)) if slot.needs else None
            return dict(needed.params) if needed and needed.kind == "target" else {}
        if not slot.study or not self._plan.studies[slot.study].space:
            return {}
        sibling = self._sibling(slot)
        if sibling is not None and sibling.params:
            return dict(sibling.params)
        return self._studies.ask(slot.study, slot.trial or 0, self._study_slot(slot))

    def _sibling(self, slot: Slot) -> Entry | None:
        """In a joint study the intermediate and the target of a trial share one suggestion."""
        other = (
            f"{slot.key}/intermediate"
            if not slot.prefix
            else slot.key.removesuffix("/intermediate")
        )
        return self.ledger.get(other)

    def _study_slot(self, slot: Slot) -> str:
        """The slot that a suggestion belongs to in the study: the one whose value is told."""
        study = self._plan.studies[slot.study]
        slots = self._study_slots[slot.study]
        return slots[slot.trial or 0] if study.objective == "oracle" or slot.prefix else slot.key

    def _tells(self, key: str) -> bool:
        slot = self._slots[key]
        return bool(slot.study) and key in self._study_slots[slot.study]

    # -- handing out ---------------------------------------------------------------------------

    def next(self) -> Assignment | None:
        """The next phase to run, or None: nothing is ready now, or all is done (`settled`)."""
        held: list[tuple[int, int, str]] = []
        try:
            while self._ready:
                item = heapq.heappop(self._ready)
                if self._retry_at.get(item[2], 0) > time.monotonic():
                    held.append(item)
                    continue
                found = self._open(self._slots[item[2]])
                if found == "held":
                    self._retry_at[item[2]] = time.monotonic() + 1.0
                    held.append(item)
                elif isinstance(found, Assignment):
                    return found
            return None
        finally:
            for item in held:
                heapq.heappush(self._ready, item)

    def settle(self) -> None:
        """Ends what costs nothing: ready slots whose phase has a record already."""
        kept = []
        while self._ready:
            item = heapq.heappop(self._ready)
            slot = self._slots[item[2]]
            entry = self.ledger.get(slot.key)
            asked = (
                not slot.study
                or not self._plan.studies[slot.study].space
                or bool(entry and entry.params)
            )
            if (
                asked
                and self._intact((found := self._entry(slot)[0]).phase)
                and found.phase not in self._running
            ):
                self._finish(found, "cached")
            else:
                kept.append(item)
        for item in kept:
            heapq.heappush(self._ready, item)

    def _open(self, slot: Slot) -> Assignment | str | None:
        """Gives a ready slot its phase; an assignment if that must be run, `held` if another driver
        runs it.
        """
        entry, spec = self._entry(slot)
        if spec.id in self._running:
            self._running[spec.id].append(slot.key)
            self._set(entry, "running")
            return None
        if self._intact(spec.id):
            self._finish(entry, "cached")
            return None
        making = _translated(spec) - self._made
        if any(making & others for others in self._making.values()):
            return "held"
        lease = self._store.lease(spec.id)
        try:
            lease.take()
        except LeaseHeld:
            if (
                self.ledger.get(slot.key) is None
            ):  # keeps the suggestion, once, while another driver is at work
                self.ledger.write(entry)
            return "held"
        if self._intact(spec.id):  # finished by another driver between the look and the lease
            lease.release()
            self._finish(entry, "cached")
            return None
        self._leases[spec.id], self._running[spec.id] = lease, [slot.key]
        self._making[slot.key] = making
        self._started[slot.key] = time.monotonic()
        self._interval[slot.key] = spec.hyper.evaluation_interval_steps
        self._set(entry, "running", attempts=entry.attempts + 1)
        return Assignment(slot=slot.key, label=_label(slot), spec=spec)

    def _entry(self, slot: Slot) -> tuple[Entry, PhaseSpec]:
        params = self._params(slot)
        needed = self.ledger.get(self._slot_of(slot.needs)) if slot.needs else None
        parent = needed.phase if needed else ""
        spec = build(self._plan, slot, params, parent, self._revisions)
        before = self.ledger.get(slot.key)
        middle = (
            needed.phase
            if needed and needed.kind == "intermediate"
            else (needed.intermediate_phase if needed else "")
        )
        entry = _blank(slot).model_copy(
            update={
                "phase": spec.id,
                "parent": parent,
                "train_phase": parent if slot.kind == "evaluate" else "",
                "intermediate_phase": middle,
                "params": params,
                "attempts": before.attempts if before else 0,
            }
        )
        return entry, spec

    # -- what happened -------------------------------------------------------------------------

    def progress(self, slot: str, step: int, steps: int) -> None:
        """Where a running phase is."""
        if step > 0:
            self._made |= self._making.pop(slot, frozenset())
        self._steps[slot] = (step, steps, self._steps.get(slot, (0, 0, None))[2])

    def report(self, slot: str, step: int, steps: int, value: float) -> bool:
        """Takes a development value; False where the phase should stop. The last evaluation stops
        nothing.
        """
        self.progress(slot, step, steps)
        self._steps[slot] = (step, steps, value)
        place = self._slots[slot]
        if not self._tells(slot) or place.kind == "evaluate":
            return True
        number = -(-step // self._interval[slot])  # by the step: the same before and after a resume
        go_on = self._studies.report(place.study, slot, number, value)
        return go_on or step >= steps

    def done(self, slot: str) -> None:
        """The slot's phase has its record."""
        self._made |= self._making.pop(slot, frozenset())
        kind = self._slots[slot].kind
        total, count = self._spent.get(kind, (0.0, 0))
        self._spent[kind] = (total + time.monotonic() - self._started[slot], count + 1)
        for key in self._close(slot):
            entry = self.ledger.get(key)
            assert entry is not None
            self._finish(entry, "done" if key == slot else "cached")

    def stopped(self, slot: str) -> None:
        """The slot's phase was stopped by the search."""
        for key in self._close(slot):
            if key == slot:
                self._end(self._slots[key], "pruned")
            else:
                self._again(key)

    def failed(self, slot: str, error: str, retries: int) -> bool:
        """The slot's phase failed; True where it will be tried again."""
        entry = self.ledger.get(slot)
        again = entry is not None and entry.attempts <= retries
        for key in self._close(slot):
            if again:
                self._again(key, error)
            else:
                self._end(self._slots[key], "failed", error=error)
        return again

    def released(self, slot: str) -> None:
        """The slot's phase was interrupted; the next run takes it up where it is."""
        for key in self._close(slot):
            entry = self.ledger.get(key)
            if entry is not None:
                self._set(entry, "waiting", attempts=max(0, entry.attempts - 1))

    def _close(self, slot: str) -> list[str]:
        entry = self.ledger.get(slot)
        assert entry is not None
        self._steps.pop(slot, None)
        self._making.pop(slot, None)
        lease = self._leases.pop(entry.phase, None)
        if lease is not None:
            lease.release()
        return self._running.pop(entry.phase, [slot])

    def _again(self, key: str, error: str = "") -> None:
        entry = self.ledger.get(key)
        assert entry is not None
        self._set(entry, "waiting", error=error)
        self._wait(self._slots[key])

    def _finish(self, entry: Entry, state: str) -> None:
        result = self._store.phase(entry.phase).record().result
        if isinstance(result, EvaluationResult):
            value = self._primary(entry, result)
        else:
            value = result.dev.value if result.dev else None
        before = self.ledger.get(entry.slot)
        if (
            before is not None
            and before.state in FINISHED
            and (before.phase, before.value) == (entry.phase, value)
        ):
            entry, state = before, before.state
        self._end(self._slots[entry.slot], state, value=value, entry=entry)

    def _primary(self, entry: Entry, result: EvaluationResult) -> float | None:
        return result.mean.get(self._plan.sweep.task(entry.target).metric)

    def _end(
        self,
        slot: Slot,
        state: str,
        *,
        error: str = "",
        value: float | None = None,
        entry: Entry | None = None,
    ) -> None:
        entry = entry or self.ledger.get(slot.key) or _blank(slot)
        entry = self._set(entry, state, error=error, value=value)
        if self._tells(slot.key) and entry.params:
            self._studies.tell(slot.study, entry)
        if self._tells(slot.key) and value is not None:
            self._best[slot.study] = max(value, self._best.get(slot.study, value))
        self._wake(slot.key)
        if slot.study:
            study = f"{BEST}{slot.study}"
            if self._resolved(study) or self._hopeless(study):
                self._wake(study)

    def _wake(self, needs: str) -> None:
        for key in self._waiting.pop(needs, []):
            self._wait(self._slots[key])

    def _set(self, entry: Entry, state: Any, **changes: Any) -> Entry:
        self._states[entry.slot] = state
        if self.ledger.get(entry.slot) == entry.model_copy(update={"state": state, **changes}):
            return entry
        return self.ledger.write(entry, state=state, **changes)

    # -- how it stands -------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether every slot has ended."""
        return not self._running and not self._ready and not any(self._waiting.values())

    @property
    def running(self) -> list[str]:
        """Slots whose phases run now; of several that wait for one phase, the first."""
        return [slots[0] for slots in self._running.values()]

    @property
    def quarantined(self) -> list[str]:
        """Folders of damaged phases that were moved aside."""
        return list(self._quarantined)

    def renew(self) -> list[str]:
        """Renews the leases of what runs; returns the phases whose lease was lost."""
        return [phase for phase, lease in list(self._leases.items()) if not lease.renew()]

    def failures(self) -> Iterator[Entry]:
        """Slots that failed, then those that were blocked by them."""
        entries = [e for e in self.ledger.entries() if e.slot in self._slots]
        yield from (e for e in entries if e.state == "failed")
        yield from (e for e in entries if e.state == "blocked")

    def snapshot(self) -> dict[str, Any]:
        """What `progress.Progress` shows: counts by state, running phases, best value of each
        study, time left.
        """
        counts = dict(Counter(self._states.values()))
        running = []
        for slot in self.running:
            step, steps, value = self._steps.get(slot, (0, 0, None))
            running.append(
                {"name": _label(self._slots[slot]), "step": step, "steps": steps, "value": value}
            )
        return {
            "counts": counts,
            "total": len(self._slots),
            "running": running,
            "best": dict(self._best),
            "eta_seconds": self._left(),
        }

    def _left(self) -> float | None:
        """Seconds of work left in one slot's time: open slots times the mean time of their kind in
        this run.
        """
        open_slots = Counter(
            self._slots[key].kind
            for key, state in self._states.items()
            if state in ("waiting", "running")
        )
        known = {kind: total / count for kind, (total, count) in self._spent.items()}
        if not known or not open_slots:
            return None
        typical = sum(known.values()) / len(known)
        return sum(count * known.get(kind, typical) for kind, count in open_slots.items())


def _translated(spec: PhaseSpec) -> frozenset[str]:
    """Revisions of the rows of a training that a model translates."""
    if spec.action != "train":
        return frozenset()
    return frozenset(
        m.data_revision for m in spec.members if m.task.transform and m.task.transform.translate
    )


def _blank(slot: Slot) -> Entry:
    """What of a slot's entry the plan knows."""
    return Entry(
        slot=slot.key,
        kind=slot.kind,
        model=slot.model,
        intermediate=slot.intermediate,
        target=slot.target,
        task=slot.task,
        study=slot.study,
        trial=slot.trial,
        role=slot.role,
        seed=slot.seed,
    )


def _label(slot: Slot) -> str:
    """How a slot is called in progress and run names."""
    if slot.kind == "pretrain":
        return f"{slot.model} pretraining"
    pair = f"{slot.intermediate}→{slot.target}" if slot.target else slot.intermediate
    which = f"trial {slot.trial + 1}" if slot.trial is not None else f"seed {slot.seed}"
    return f"{pair} {'scores' if slot.kind == 'evaluate' else which}"

"""Why something will be trained although something like it has a record.

Every slot of the plan gets its phase, as far as that can be known before a run: hyperparameters
that a search has not suggested yet, and data or models that are not here, leave it open. A phase
without a record is compared with the nearest that has one (`planning.changes`). Where the two
differ in nothing but what they start from, the reason is that of the parent. Nothing is written.
"""

from __future__ import annotations

from typing import Any

from xstilts.api.cause_values import Answer, WhyResult
from xstilts.api.given import AnySweep
from xstilts.api.known_here import KnownHere
from xstilts.api.opened import Opened, open_sweep
from xstilts.errors import InputError, first_line, nearest
from xstilts.planning import Slot
from xstilts.planning.changes import Index, Recorded, changes
from xstilts.planning.filling import build
from xstilts.planning.needs import Base, Chosen, Needs
from xstilts.spec.phase import PhaseSpec
from xstilts.store.ledger import Ledger, State
from xstilts.store.phases import Store

_TOLD = (State.FAILED, State.BLOCKED, State.PRUNED)


def why(
    sweep: AnySweep,
    slot: str | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> WhyResult:
    """Why the phases of a sweep that have no record will be run; of one slot with `slot`.

    Raises SweepError, and InputError for a slot that the sweep does not have. Writes nothing.
    """
    opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking, labels=False)
    keys = {one.key for one in opened.plan.slots}
    if slot is not None and slot not in keys:
        raise InputError(f'the sweep has no slot "{slot}"{nearest(slot, keys)}')
    answers = _Answers(opened, KnownHere(opened.plan, opened.context)).all()
    return WhyResult(
        sweep=f"{opened.sweep.name} v{opened.sweep.version}", answers=answers, slot=slot
    )


def recorded(store: Store) -> list[Recorded]:
    """All phases of a store that have a record; one that can't be read is left out."""
    found = []
    for phase_id in sorted(store.done()):
        kept = store.phase(phase_id).payload_and_tasks()
        if kept is not None:
            found.append(Recorded(id=phase_id, names=kept[1], payload=kept[0]))
    return found


class _Answers:
    """Walks the plan, parents first."""

    def __init__(self, opened: Opened, known: KnownHere) -> None:
        self._plan, self._known = known.plan, known
        self._slots = {slot.key: slot for slot in known.plan.slots}
        phases = recorded(opened.store)
        self._done = {one.id: one for one in phases}
        self._index = Index(phases)
        self._ledger = Ledger(opened.folder)
        self._chosen = self._ledger.chosen()
        self._answers: dict[str, Answer] = {}
        self._compared: dict[str, Answer] = {}
        """Phase to the answer of its first slot."""

    def all(self) -> dict[str, Answer]:
        """Slot to its answer."""
        for slot in self._plan.slots:
            self._answers[slot.key] = self._answer(slot)
        return self._answers

    def _answer(self, slot: Slot) -> Answer:
        entry = self._ledger.get(slot.key)
        told = entry.state if entry and entry.state in _TOLD else None
        ledger = f"{told}: {first_line(entry.error)}".rstrip(": ") if told and entry else ""
        parent = self._parent(slot.needs)
        reason, waits_for = self._open(slot, parent)
        if reason or parent is None:
            return Answer(
                slot=slot.key, standing="open", reason=reason, waits_for=waits_for, ledger=ledger
            )
        before = self._answers[parent].phase if parent else ""
        spec = build(self._plan, slot, self._params(slot) or {}, before, self._known.revisions)
        phase = spec.id
        if phase in self._done:
            return Answer(slot=slot.key, standing="done", phase=phase, ledger=ledger)
        place = {"slot": slot.key, "parent": parent, "ledger": ledger}
        if phase not in self._compared:
            self._compared[phase] = self._new(slot, spec, phase, parent)
        return Answer(**{**vars(self._compared[phase]), **place})

    def _new(self, slot: Slot, spec: PhaseSpec, phase: str, parent: str) -> Answer:
        """A phase without a record, compared with the nearest that has one."""
        payload: dict[str, Any] = spec.payload()
        names = tuple(member.task.name for member in spec.members)
        before = self._answers[parent] if parent else None
        wanted = (before.nearest or before.phase) if before else ""
        near = self._index.nearest(payload, names, wanted)
        found = changes(near.payload, payload, slot.kind, names) if near else []
        return Answer(
            slot=slot.key,
            standing="new",
            phase=phase,
            nearest=near.id if near else "",
            changes=tuple(found),
        )

    # -- what is known of a slot

    def _open(self, slot: Slot, parent: str | None) -> tuple[str, str]:
        """Why a slot's phase can't be known yet, and the search or slot that it waits for, if any;
        both empty where it can. Slots of many studies share a reason, so it names none.
        """
        if lacking := self._known.lacks(slot):
            unknown = self._known.unknown
            return "; ".join(f"{what} is not known: {unknown[what]}" for what in lacking), ""
        if parent is None:
            return "a search has yet to choose what it starts from", str(slot.needs)
        if parent and self._answers[parent].standing == "open":
            return "what it starts from is open", parent
        if self._params(slot) is None:
            searched = self._plan.studies[slot.study or slot.like]
            return f"a search has yet to suggest {', '.join(searched.space)}", searched.key
        return "", ""

    def _parent(self, needs: Needs) -> str | None:
        """The slot that a slot starts from; empty for a base model, None where a search has yet to
        choose it.
        """
        if isinstance(needs, Base):
            return ""
        if not isinstance(needs, Chosen):
            return needs.slot
        study = self._plan.studies[needs.study]
        if study.trials == 1 and not study.space:
            return f"{study.key}/t0"
        chosen = self._chosen.get(study.key)
        return chosen if chosen in self._answers else None

    def _params(self, slot: Slot) -> dict[str, Any] | None:
        """The suggestion that a slot is run with, from the plan or the ledger; None where neither
        has it.
        """
        if slot.kind == "evaluate":
            return self._params_of_scored(slot)
        study = self._plan.studies.get(slot.study or slot.like)
        if study is None or not study.space:
            return {}
        if slot.like:
            entry = self._ledger.get(self._chosen.get(study.key, ""))
        else:
            point = study.point(slot.trial)
            if point is not None:
                return point
            entry = self._ledger.get(slot.key)
        return dict(entry.params) if entry and entry.params else None

    def _params_of_scored(self, slot: Slot) -> dict[str, Any] | None:
        """An evaluation reads the lengths of the training that it scores."""
        scored = self._slots.get(self._parent(slot.needs) or "")
        return self._params(scored) if scored and scored.kind == "target" else {}

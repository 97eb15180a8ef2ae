"""What a slot stands on, and which hyperparameters it is run with.

A need is *met* when its phase has a record; a study's choice is known when all its trials have ended:
the best value, the first of equals. It is *hopeless* when that can never be. Hyperparameters are
asked of the search once for each trial, and remembered in the ledger: the slots of one trial (in a
joint study an intermediate and its target) share one suggestion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from xstilts.driver.outcomes import Outcomes
from xstilts.driver.search import Studies, Told
from xstilts.planning.needs import Base, Chosen, Filled, Needs
from xstilts.planning.plan import Plan, Slot
from xstilts.store.ledger import Entry, Ledger, State


class Choosing:
    """Reads the states of the slots, which the board keeps; changes none of them."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        studies: Studies,
        outcomes: Outcomes,
        states: Mapping[str, State],
    ) -> None:
        self._plan, self._ledger, self._studies = plan, ledger, studies
        self._outcomes, self._states = outcomes, states
        self._slots = {slot.key: slot for slot in plan.slots}
        self._told: dict[str, list[str]] = defaultdict(list)
        """Study to the slots whose values it is told, one a trial."""
        self._of_trial: dict[tuple[str, int], list[str]] = defaultdict(list)
        """All slots of a trial, parents first."""
        for slot in plan.slots:
            if slot.study and slot.trial is not None:
                self._of_trial[slot.study, slot.trial].append(slot.key)
                oracle = plan.studies[slot.study].objective == "oracle"
                if not slot.prefix and (slot.kind == "evaluate") == oracle:
                    self._told[slot.study].append(slot.key)

    # -- what a slot stands on

    def met(self, needs: Needs) -> bool:
        """Whether what is needed is there."""
        return isinstance(needs, Base) or bool(self.slot_of(needs))

    def hopeless(self, needs: Needs) -> bool:
        """Whether what is needed will never be there."""
        if isinstance(needs, Chosen):
            ended = all(self._states[slot].ended for slot in self._told[needs.study])
            return ended and self.chosen(needs.study) is None
        if isinstance(needs, Filled):
            state = self._states[needs.slot]
            return state.ended and not state.finished
        return False

    def slot_of(self, needs: Needs) -> str:
        """The slot whose phase is needed, once it has a record; empty before, and for a base model."""
        if isinstance(needs, Chosen):
            return self.chosen(needs.study) or ""
        if isinstance(needs, Filled) and self._states[needs.slot].finished:
            return needs.slot
        return ""

    def entry_of(self, needs: Needs) -> Entry | None:
        """The ledger's entry of what is needed."""
        slot = self.slot_of(needs)
        return self._ledger.get(slot) if slot else None

    def chosen(self, study: str) -> str | None:
        """The training slot that a study chose; None while a trial is open, or where none has a value."""
        slots = self._told[study]
        if not all(self._states[slot].ended for slot in slots):
            return None
        values = [(value, slot) for slot in slots if (value := self._value(slot)) is not None]
        if not values:
            return None
        best = self._slots[max(values, key=lambda pair: pair[0])[1]]
        needs = best.needs
        training = needs.slot if best.kind == "evaluate" and isinstance(needs, Filled) else best.key
        self._ledger.choose(study, training)
        return training

    def _value(self, slot: str) -> float | None:
        entry = self._ledger.get(slot)
        if entry is None or not self._states[slot].finished:
            return None
        return self._outcomes.value(entry)

    # -- hyperparameters

    def params(self, slot: Slot) -> dict[str, Any]:
        """The suggestion a slot is run with: remembered, its study's choice, its parent's, or asked
        for now.
        """
        if slot.like:
            chosen = self.entry_of(Chosen(slot.like))
            return dict(chosen.params) if chosen else {}
        if slot.kind == "evaluate":
            scored = self.entry_of(slot.needs)
            return dict(scored.params) if scored and scored.kind == "target" else {}
        remembered = self.remembered(slot)
        if remembered or not self.searched(slot):
            return remembered
        return self._studies.ask(
            slot.study, slot.trial or 0, self._told[slot.study][slot.trial or 0]
        )

    def searched(self, slot: Slot) -> bool:
        """Whether a slot's study has anything to search."""
        return bool(slot.study and self._plan.studies[slot.study].space)

    def remembered(self, slot: Slot) -> dict[str, Any]:
        """What was suggested to the trial of a slot, in this run or an earlier one; nothing if nothing."""
        slots = [slot.key, *self._of_trial.get((slot.study, slot.trial or 0), ())]
        entries = (self._ledger.get(key) for key in slots)
        return next((dict(entry.params) for entry in entries if entry and entry.params), {})

    # -- what the search is told

    def tells(self, slot: Slot) -> bool:
        """Whether a study is told the value of this slot."""
        return bool(slot.study) and slot.key in self._told[slot.study]

    def told(self, blank: Callable[[str], Entry]) -> Iterator[Told]:
        """The trials of all studies; `blank` makes an entry for a slot that has not begun.

        A trial whose slot has not begun may have its suggestion from another slot of the trial.
        """
        for slots in self._told.values():
            for key in slots:
                entry = self._ledger.get(key)
                if entry is not None:
                    yield Told(entry, self._outcomes.value(entry) if entry.state.finished else None)
                elif params := self.remembered(self._slots[key]):
                    yield Told(blank(key).model_copy(update={"params": params}), None)

"""What a slot starts from, and which hyperparameters it is run with.

A need is *met* when its phase has a record. A study chooses when all its trials have ended: the
trial with the best value, the first of equals. A need is *hopeless* when it can never be met. The
search is asked for hyperparameters once for each trial, and the ledger remembers the answer: all
slots of one trial (in a joint study the intermediates and their target) share one suggestion. Where
the ledger has lost it, the study remembers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from xstilts.driver.outcomes import Outcomes
from xstilts.driver.search import KnownTrial, Studies
from xstilts.planning.needs import Base, Chosen, Filled, Needs
from xstilts.planning.plan import Plan, Slot
from xstilts.store.ledger import Entry, Ledger, State


class Choices:
    """Answers from the ledger, the outcomes and the states of the slots; changes none of them.

    `states` is the board's own mapping: it is read whenever a question is asked.
    """

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
        self._scored: dict[str, list[str]] = defaultdict(list)
        """Study to the slots whose values decide it, one for each trial, in order."""
        self._of_trial: dict[tuple[str, int], list[str]] = defaultdict(list)
        """Study and trial to all its slots, parents first."""
        for slot in plan.slots:
            if slot.study and slot.trial is not None:
                self._of_trial[slot.study, slot.trial].append(slot.key)
                oracle = plan.studies[slot.study].objective == "oracle"
                if not slot.prefix and (slot.kind == "evaluate") == oracle:
                    self._scored[slot.study].append(slot.key)

    # -- what a slot starts from

    def met(self, needs: Needs) -> bool:
        """Whether what is needed has a record, or is a base model."""
        return isinstance(needs, Base) or bool(self.slot_of(needs))

    def hopeless(self, needs: Needs) -> bool:
        """Whether what is needed will never have a record in this run."""
        if isinstance(needs, Chosen):
            return self._all_ended(needs.study) and self.chosen(needs.study) is None
        if isinstance(needs, Filled):
            state = self._states[needs.slot]
            return state.ended and not state.finished
        return False

    def slot_of(self, needs: Needs) -> str:
        """The slot whose phase is needed, once that has a record; empty before, and for a base
        model.
        """
        if isinstance(needs, Chosen):
            return self.chosen(needs.study) or ""
        if isinstance(needs, Filled) and self._states[needs.slot].finished:
            return needs.slot
        return ""

    def entry_of(self, needs: Needs) -> Entry | None:
        """The ledger's entry of what is needed; None where `slot_of` is empty."""
        slot = self.slot_of(needs)
        return self._ledger.get(slot) if slot else None

    def chosen(self, study: str) -> str | None:
        """The slot of the training that a study chooses; None while a trial is open, or where no
        trial has a value.
        """
        if not self._all_ended(study):
            return None
        slots = self._scored[study]
        values = [(value, slot) for slot in slots if (value := self._value(slot)) is not None]
        if not values:
            return None
        best = self._slots[max(values, key=lambda pair: pair[0])[1]]
        needs = best.needs
        return needs.slot if best.kind == "evaluate" and isinstance(needs, Filled) else best.key

    def _all_ended(self, study: str) -> bool:
        return all(self._states[slot].ended for slot in self._scored[study])

    def _value(self, slot: str) -> float | None:
        entry = self._ledger.get(slot)
        if entry is None or not self._states[slot].finished:
            return None
        return self._outcomes.value(entry)

    # -- hyperparameters

    def params(self, slot: Slot) -> dict[str, Any]:
        """The suggestion that a slot is run with.

        A final slot has its study's choice and an evaluation that of the training it scores. A
        trial has what the ledger remembers; otherwise the search is asked now.
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
        trial = slot.trial or 0
        return self._studies.ask(slot.study, trial, self._scored[slot.study][trial])

    def searched(self, slot: Slot) -> bool:
        """Whether a slot belongs to a study that has anything to search."""
        return bool(slot.study and self._plan.studies[slot.study].space)

    def remembered(self, slot: Slot) -> dict[str, Any]:
        """The suggestion that the ledger has for the trial of a slot, from this run or an earlier
        one; where it has none, that of the study; empty where there is none either.
        """
        slots = [slot.key, *self._of_trial.get((slot.study, slot.trial or 0), ())]
        entries = (self._ledger.get(key) for key in slots)
        params = next((dict(entry.params) for entry in entries if entry and entry.params), {})
        if params or not self.searched(slot):
            return params
        return self._studies.suggested(self._scored[slot.study][slot.trial or 0])

    def lost_prunings(self) -> list[Entry]:
        """Trials that were pruned, which the study knows and the ledger has lost. A trial is told
        as pruned only after the ledger has it.
        """
        lost = []
        for key in (key for slots in self._scored.values() for key in slots):
            entry, reported = self._ledger.get(key), self._studies.pruned(key)
            if reported is None or (entry is not None and entry.state.ended):
                continue
            changes = {
                "params": self._studies.suggested(key),
                "reported": reported,
                "pruned_at": reported[-1][1] if reported else None,
                "state": State.PRUNED,
            }
            lost.append((entry or blank_entry(self._slots[key])).model_copy(update=changes))
        return lost

    # -- what the search is told

    def decides(self, slot: Slot) -> bool:
        """Whether the value of this slot decides its study."""
        return bool(slot.study) and slot.key in self._scored[slot.study]

    def known_trials(self) -> Iterator[KnownTrial]:
        """The trials of all studies that have a suggestion, those of a study in the order in which
        they were asked for, which is that of the ledger.

        A trial whose deciding slot has not begun may have its suggestion from another slot of the
        trial, or from its study alone: the last of all, since its line was the last to be lost.
        """
        order = {entry.slot: i for i, entry in enumerate(self._ledger.entries())}

        def asked(key: str) -> int:
            slot = self._slots[key]
            others = self._of_trial[slot.study, slot.trial or 0]
            return min(order.get(one, len(order)) for one in others)

        for slots in self._scored.values():
            for key in sorted(slots, key=asked):
                entry = self._ledger.get(key)
                if entry is None or not entry.params:
                    entry = entry or blank_entry(self._slots[key])
                    entry = entry.model_copy(update={"params": self.remembered(self._slots[key])})
                if entry.params:
                    value = self._outcomes.value(entry) if entry.state.finished else None
                    yield KnownTrial(entry, value)


def blank_entry(slot: Slot) -> Entry:
    """The entry of a slot that has not begun: what the plan knows of it."""
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

"""Which checkpoints of a sweep must stay: an answer from the plan and from how its slots stand.

A checkpoint stays while a slot that may still be run could start from it. A slot that needs a
study's choice holds the checkpoints of all its trials until the study has chosen. With `chosen`,
those that the final scores rest on stay for good: the scored training, and the intermediates before
it. A slot that failed is open, because the next run tries it again.

Nothing here knows phases, files or a store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set as AbstractSet

from xstilts.planning.needs import Base, Filled, Needs
from xstilts.planning.plan import Plan, Slot
from xstilts.spec.sweep import Retention


class Checkpoints:
    """Asks one plan. `held` may be asked again whenever slots have ended."""

    def __init__(self, plan: Plan, retention: Retention | None = None) -> None:
        """`retention`: instead of the sweep's own."""
        self._plan = plan
        self.rule = (retention or plan.sweep.retention).weights
        self._slots = {slot.key: slot for slot in plan.slots}
        self._trials: dict[str, list[str]] = defaultdict(list)
        """Study to its trainings."""
        for slot in plan.slots:
            if slot.kind != "evaluate" and slot.study and slot.trial is not None:
                self._trials[slot.study].append(slot.key)

    def trained(self) -> list[str]:
        """The slots that yield a checkpoint."""
        return [slot.key for slot in self._plan.slots if slot.kind != "evaluate"]

    def held(self, closed: AbstractSet[str], chosen: Mapping[str, str]) -> set[str]:
        """The slots whose checkpoints stay.

        `closed`: slots that will never be run again; `chosen`: study to the slot that it chose, as
        far as it has.
        """
        if self.rule == "all":
            return set(self._slots)
        open_slots = [slot for slot in self._plan.slots if slot.key not in closed]
        held = {one for slot in open_slots for one in self._sources(slot.needs, chosen)}
        if self.rule == "chosen":
            for slot in self._plan.slots:
                if slot.kind == "evaluate" and slot.role == "final":
                    held |= self._behind(slot, chosen)
        return held

    def _sources(self, needs: Needs, chosen: Mapping[str, str]) -> Iterator[str]:
        """The slots that `needs` may stand for."""
        if isinstance(needs, Filled):
            yield needs.slot
        elif not isinstance(needs, Base):
            yield from (
                [chosen[needs.study]] if needs.study in chosen else self._trials[needs.study]
            )

    def _behind(self, slot: Slot, chosen: Mapping[str, str]) -> set[str]:
        """The slots that a slot's checkpoint comes from, all the way to the base model."""
        found: set[str] = set()
        waiting = list(self._sources(slot.needs, chosen))
        while waiting:
            key = waiting.pop()
            if key not in found and key in self._slots:
                found.add(key)
                waiting.extend(self._sources(self._slots[key].needs, chosen))
        return found

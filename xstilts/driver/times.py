"""How long phases take: estimated before a run, corrected by those that have ended.

Phases of one kind, model, task and target do the same work. What such phases took on average goes
before any estimate. For phases of which none has ended, the estimate is multiplied by how far off
the estimates of this kind were, or else all estimates: a machine three times as slow is so for all.
No phase is taken to end sooner than it can start, however small its work.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from xstilts.checks.costs.estimates import LEAST_SECONDS
from xstilts.planning.plan import Slot
from xstilts.planning.schedule import Seconds
from xstilts.spec.stages import PhaseKind

_Work = tuple[PhaseKind, str, str, str]


class _Seen(NamedTuple):
    """Phases that have ended, added up."""

    phases: int = 0
    seconds: float = 0.0
    estimated: float = 0.0

    def plus(self, seconds: float, estimated: float) -> _Seen:
        return _Seen(self.phases + 1, self.seconds + seconds, self.estimated + estimated)


class Times:
    """What is known of the times of a plan's phases."""

    def __init__(self, estimate: Seconds) -> None:
        self._estimate = estimate
        self._by_work: dict[_Work, _Seen] = defaultdict(_Seen)
        self._by_kind: dict[PhaseKind, _Seen] = defaultdict(_Seen)
        self._all = _Seen()
        self._learned_at = 0

    def took(self, slot: Slot, seconds: float) -> None:
        """A slot's phase took this long."""
        estimated = self._estimate(slot)
        work = _work(slot)
        self._by_work[work] = self._by_work[work].plus(seconds, estimated)
        self._by_kind[slot.kind] = self._by_kind[slot.kind].plus(seconds, estimated)
        self._all = self._all.plus(seconds, estimated)

    def seconds(self, slot: Slot) -> float:
        """How long a slot's phase will take, as far as is known now."""
        seen = self._by_work.get(_work(slot))
        if seen is not None:
            return seen.seconds / seen.phases
        alike = self._by_kind.get(slot.kind, self._all)
        factor = alike.seconds / alike.estimated if alike.estimated and alike.seconds else 1.0
        return max(LEAST_SECONDS, self._estimate(slot) * factor)

    def news(self) -> bool:
        """Whether so much was learned since the last yes that phases should be ranked anew: twice
        as many have ended.
        """
        if self._all.phases < max(1, 2 * self._learned_at):
            return False
        self._learned_at = self._all.phases
        return True


def _work(slot: Slot) -> _Work:
    return slot.kind, slot.model, slot.task, slot.target

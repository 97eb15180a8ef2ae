"""How far a run is: the step of each running phase, the best values, the time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from xstilts.planning.plan import Slot
from xstilts.planning.schedule import Seconds
from xstilts.spec.stages import PhaseKind


class Step(NamedTuple):
    """How far a running phase is."""

    step: int = 0
    steps: int = 0
    value: float | None = None
    """Its last development score in percent."""
    doing: str = ""
    """What it does before its next step; empty where it makes steps."""
    rate: str = ""
    """How fast it is: `12,300 tokens/s`."""


class Standing:
    """What the board notes for whoever watches the run; no decision depends on it."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        """Running slot to how far it is."""
        self.best: dict[str, float] = {}
        """Study to its best value so far, in percent."""
        self._started: dict[str, float] = {}
        self._spent: dict[PhaseKind, list[float]] = {}

    def begun(self, slot: str) -> None:
        """A slot's phase was handed out."""
        self._started[slot] = time.monotonic()

    def at(self, slot: str, now: Step) -> None:
        """How far a slot's phase is; what is not said anew, a value or a rate, stays."""
        known = self.steps.get(slot, Step())
        value = known.value if now.value is None else now.value
        self.steps[slot] = now._replace(value=value, rate=now.rate or known.rate)

    def done(self, slot: str, kind: PhaseKind) -> None:
        """A slot's phase has its record."""
        self._spent.setdefault(kind, []).append(time.monotonic() - self._started[slot])

    def scored(self, study: str, value: float) -> None:
        """A trial of a study has its value."""
        self.best[study] = max(value, self.best.get(study, value))

    def seconds_left(self, open_slots: Iterable[Slot], estimate: Seconds) -> float | None:
        """Time that the open slots would take one after the other: for each, the mean time of its
        kind in this run, and what is estimated for those of a kind of which none is done. None
        before the first phase is done, and where nothing is open.
        """
        known = {kind: sum(spent) / len(spent) for kind, spent in self._spent.items()}
        times = [known[s.kind] if s.kind in known else estimate(s) for s in open_slots]
        return sum(times) if known and times else None

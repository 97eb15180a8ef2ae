"""The results of finished phases, each record read once in a run.

A phase whose record can't be read is set aside, so that it is run again.
"""

from __future__ import annotations

from xstilts.errors import CorruptError
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, Result


class Outcomes:
    """Reads records from the store and remembers their results."""

    def __init__(self, store: Store, sweep: Sweep) -> None:
        self._store, self._sweep = store, sweep
        self._results: dict[str, Result] = {}
        self.set_aside: list[str] = []
        """Folders that damaged phases were moved to."""

    def has_record(self, phase_id: str) -> bool:
        """Whether a phase has a good record; a phase with a damaged one is moved aside."""
        if phase_id in self._results:
            return True
        phase = self._store.phase(phase_id)
        if not phase.done:
            return False
        try:
            self._results[phase_id] = phase.record().result
        except CorruptError:
            self.set_aside.append(phase.set_aside())
            return False
        return True

    def value(self, entry: Entry) -> float | None:
        """What a slot's phase scored, in percent; None where it has no good record, or no value.

        A training's value is its development score, an evaluation's the mean of the target's
        primary metric over the languages.
        """
        if not entry.phase or not self.has_record(entry.phase):
            return None
        result = self._results[entry.phase]
        if isinstance(result, EvaluationResult):
            return result.mean.get(self._sweep.task(entry.target).metric)
        return result.dev.value if result.dev else None

"""What finished phases scored: each record is read once in a run.

A record that can't be read is worth nothing, so its phase is set aside and will be made again.
"""

from __future__ import annotations

from xstilts.errors import CorruptError
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, Result


class Outcomes:
    """The results of the phases that have a good record."""

    def __init__(self, store: Store, sweep: Sweep) -> None:
        self._store, self._sweep = store, sweep
        self._results: dict[str, Result] = {}
        self.set_aside: list[str] = []
        """Folders of damaged phases."""

    def there(self, phase_id: str) -> bool:
        """Whether a phase has a good record; a damaged one is moved aside, so that it is made again."""
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
        """The value of a slot's phase in percent, None where it has none or no good record.

        Of a training that on its development data, of an evaluation the mean over languages of its
        target's primary metric.
        """
        if not entry.phase or not self.there(entry.phase):
            return None
        result = self._results[entry.phase]
        if isinstance(result, EvaluationResult):
            return result.mean.get(self._sweep.task(entry.target).metric)
        return result.dev.value if result.dev else None

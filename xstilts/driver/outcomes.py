"""The results of finished phases, each record read once in a run.

A phase counts as done if its record and its files are as they were written, and if it started from
the checkpoint that its parent has now. Any other is set aside, so that it is run again: also one
whose parent was damaged and came out differently when it was made again.

Predictions are read and hashed here; of a checkpoint only the sizes are looked at, since whoever
starts from it hashes it (`store.phases.Phase.checkpoint`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from xstilts.errors import CorruptError, LeaseHeld
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry
from xstilts.store.phases import Phase, Store
from xstilts.store.results import EvaluationResult, Result


class _Known(NamedTuple):
    """What is kept of a good record."""

    result: Result
    parent: str
    started_from: str
    checkpoint_seal: str


class Outcomes:
    """Reads records from the store and remembers their results."""

    def __init__(self, store: Store, sweep: Sweep) -> None:
        self._store, self._sweep = store, sweep
        self._known: dict[str, _Known] = {}
        self.set_aside: list[str] = []
        """What was wrong with each damaged phase, and where it was moved to, a sentence each."""

    def has_record(self, phase_id: str) -> bool:
        """Whether a phase is done; a damaged one is moved aside. StoreError where that can't be
        done.
        """
        if phase_id not in self._known:
            phase = self._store.phase(phase_id)
            wrong = ""
            if phase.done:
                self._store.expect([phase_id])
                wrong = self._read(phase)
            if wrong:
                self.drop(phase_id, wrong)
        known = self._known.get(phase_id)
        if known is not None and not self._starts_from_parent(known):
            self.drop(phase_id, "the checkpoint that it started from was damaged and came out anew")
        return phase_id in self._known

    def _read(self, phase: Phase) -> str:
        """Remembers a finished phase; returns what is wrong with it, if anything is."""
        try:
            record = phase.record()
        except CorruptError:
            return phase.fault()
        result = record.result
        if wrong := phase.fault(whole=isinstance(result, EvaluationResult)):
            return wrong
        seals = record.started_from, record.checkpoint_seal
        self._known[phase.id] = _Known(result, record.parent or "", *seals)
        return ""

    def _starts_from_parent(self, known: _Known) -> bool:
        """Whether a phase started from its parent's checkpoint; also where the parent is not done,
        so that nothing is known yet.
        """
        if not known.parent or not self.has_record(known.parent):
            return True
        return known.started_from == self._known[known.parent].checkpoint_seal

    def drop(self, phase_id: str, wrong: str) -> None:
        """Moves a phase aside because of what is wrong with it, unless another driver is at work on
        it.
        """
        self._known.pop(phase_id, None)
        with suppress(LeaseHeld), self._store.lease(phase_id).kept():
            aside = self._store.phase(phase_id).set_aside()
            self.set_aside.append(
                f"phase {phase_id} was damaged ({wrong}); it is made again, and what was there is "
                f"in {aside}"
            )

    def forget(self, phase_id: str) -> None:
        """Reads a phase's record again when it is asked for: it may have been made anew."""
        self._known.pop(phase_id, None)

    def value(self, entry: Entry) -> float | None:
        """What a slot's phase scored, in percent; None where it is not done, or has no value.

        A training's value is its development score, an evaluation's the mean of the target's
        primary metric over the languages.
        """
        if not entry.phase or not self.has_record(entry.phase):
            return None
        result = self._known[entry.phase].result
        if isinstance(result, EvaluationResult):
            return result.mean.get(self._sweep.task(entry.target).metric)
        return result.dev.value if result.dev else None

    def seconds(self, phase_id: str) -> float | None:
        """How long a phase took, over all attempts; None where it is not done."""
        known = self._known.get(phase_id)
        return known.result.seconds if known else None

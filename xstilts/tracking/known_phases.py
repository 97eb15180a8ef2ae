"""What is known of each phase, from its record, and the gains of each pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean

from xstilts.errors import StoreError
from xstilts.scoring.gains import gains_by_language
from xstilts.spec.sweep import BASELINE
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, Record
from xstilts.tracking.numbers import NOTHING, KnownPhase


class KnownPhases:
    """Reads each record once, as soon as it is there."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.problems: dict[str, str] = {}
        """Phase to what is wrong with its record."""
        self._known: dict[str, KnownPhase] = {}

    def of(self, phase_id: str) -> KnownPhase:
        """What is known of a phase, without its learning curve."""
        if phase_id in self._known:
            return self._known[phase_id]
        phase = self.store.phase(phase_id)
        try:
            if phase.done:
                self._known[phase_id] = _without_curve(phase.record())
                self.problems.pop(phase_id, None)
                return self._known[phase_id]
        except (StoreError, ValueError) as error:
            self.problems[phase_id] = str(error)
        try:
            return KnownPhase(spec=phase.spec())
        except (StoreError, ValueError):
            return NOTHING

    # -- gains

    def gains(self, entries: Iterable[Entry]) -> dict[str, dict[str, float]]:
        """Phase of a pair's evaluation to its gains, by language, and as `""` their mean; for pairs
        whose baseline has been evaluated.
        """
        finals = [
            e for e in entries if e.kind == "evaluate" and e.role == "final" and e.state.finished
        ]
        values = {e.phase: self._primary(e.phase) for e in finals}
        baselines = {
            (e.model, e.target, e.seed): values[e.phase]
            for e in finals
            if e.intermediate == BASELINE
        }
        gains: dict[str, dict[str, float]] = {}
        for entry in finals:
            if entry.intermediate == BASELINE or entry.phase in gains:
                continue
            baseline = baselines.get((entry.model, entry.target, entry.seed), {})
            by_language = gains_by_language(values[entry.phase], baseline)
            if by_language:
                with_mean = {"": fmean(by_language.values()), **by_language}
                gains[entry.phase] = {lang: round(gain, 4) for lang, gain in with_mean.items()}
        return gains

    def _primary(self, phase: str) -> dict[str, float]:
        """Language to the value of the target's primary metric."""
        known = self.of(phase)
        if known.spec is None or known.evaluated is None:
            return {}
        metric = known.spec.members[0].task.metric
        by_language = known.evaluated.scores
        return {lang: values[metric] for lang, values in by_language.items() if metric in values}


def _without_curve(record: Record) -> KnownPhase:
    """What a record says, without the learning curve, which takes most of the memory."""
    if isinstance(record.result, EvaluationResult):
        return KnownPhase(spec=record.spec, evaluated=record.result, provenance=record.provenance)
    short = replace(record.result, curve=())
    return KnownPhase(spec=record.spec, trained=short, provenance=record.provenance)

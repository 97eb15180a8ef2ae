"""What MLflow is to hold for a sweep, from its ledger and its records.

One `RunView` for the sweep, one for each pair under it, and one for each phase under its pair. The
ledger says which slots a phase fills and what state they are in; the record has the results. A
phase that fills several slots (shared by pairs, or found again by the search) is one run; its final
slot names it. Nothing is written, and nothing here knows MLflow.

Names, as they appear in MLflow:

    params    model, task, seed, intermediate.task, intermediate.lr, target.task, target.lr, ...
              (`params.py`); of a chain intermediate.1.task, intermediate.1.lr, intermediate.2.task
    curves    train/loss, train/lr, dev/value, of a mixture dev/<task>/value; by step
    results   dev/best, dev/<task>/<metric>, score/<task>/<language>/<metric>,
              score/<task>/mean/<metric>
    layers    layers/<task>/<pooling>/<metric>, the mean over languages; by hidden state
    gains     gain (the pair's mean on its own target), gain/<target>, gain/<target>/<language>

A gain is over the baseline `none` of the same model, target, seed, language and primary metric. The
baseline may be evaluated later, and the gains change with it: they are `latest`. The other numbers
never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xstilts.spec.stages import stage_names
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, State
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, TrainResult
from xstilts.tracking.book import Book
from xstilts.tracking.known_phases import KnownPhases
from xstilts.tracking.labels import note, run_name, tags
from xstilts.tracking.numbers import (
    NOTHING,
    Point,
    data_view,
    metric_key,
    scores,
    times,
    training_points,
)
from xstilts.tracking.pair_runs import pair_key, pair_runs
from xstilts.tracking.params import of_training
from xstilts.tracking.run_view import STATUS, RunView
from xstilts.tracking.sweep_run import sweep_run

_KINDS = ("pretrain", "intermediate", "target", "evaluate")


class View:
    """Reads each record once. `runs` may be called whenever the ledger changes, and works out again
    only what has changed.
    """

    def __init__(self, sweep: Sweep, store: Store) -> None:
        self.sweep, self.store = sweep, store
        self._phases = KnownPhases(store)
        self._runs: dict[str, tuple[Any, RunView]] = {}

    @property
    def problems(self) -> dict[str, str]:
        """Phase to what is wrong with its record."""
        return self._phases.problems

    def runs(self, entries: Sequence[Entry]) -> list[RunView]:
        """The sweep's run, those of its pairs, then those of the phases, parents first."""
        book = Book(entries)
        gains = self._phases.gains(entries)
        keys = sorted(book.slots, key=lambda key: _KINDS.index(book.main(key).kind))
        return [
            sweep_run(self.sweep, self.store, entries, gains),
            *pair_runs(self.sweep, entries, book, gains),
            *(self._cached_run(key, book, gains) for key in keys),
        ]

    def points(self, run: RunView) -> Iterable[Point]:
        """The numbers of a phase's record: learning curves and results, or scores. None before the
        ledger says that it has ended: its end is their time, and another time would double them.
        """
        if not run.done or run.ended is None:
            return ()
        record = self.store.phase(run.key).record()
        if isinstance(record.result, EvaluationResult):
            return scores(record.result, record.spec.members[0].task.name, run.ended)
        return training_points(record.result, run.started, run.ended)

    def _cached_run(
        self, key: str, book: Book, gains: Mapping[str, Mapping[str, float]]
    ) -> RunView:
        """`_phase_run`, worked out again only if what it is made of has changed."""
        entry = book.main(key)
        phase = entry.phase
        begun = entry.state == State.RUNNING and self._phases.of(phase).spec is not None
        made_of = (
            tuple(book.slots[key]),
            gains.get(phase),
            phase in book.chosen,
            phase in self.problems,
            begun,
        )
        if key not in self._runs or self._runs[key][0] != made_of:
            self._runs[key] = (made_of, self._phase_run(key, book, gains))
        return self._runs[key][1]

    def _phase_run(self, key: str, book: Book, gains: Mapping[str, Mapping[str, float]]) -> RunView:
        entry = book.main(key)
        known = self._phases.of(entry.phase) if entry.phase else NOTHING
        done = known.provenance is not None
        started, ended = times(entry, known.provenance)
        trains = entry.kind != "evaluate"
        checkpoint = self.store.phase(entry.phase).checkpoint_where if trains and done else ""
        origin = (known.spec.parent_phase if known.spec else entry.parent) or ""
        members = known.spec.members if known.spec else ()
        several = len(self.sweep.models) > 1
        return RunView(
            key=key,
            name=run_name(entry, several_models=several),
            status=STATUS[entry.state],
            started=started,
            ended=ended if entry.state.ended else None,
            tags={
                **tags(key, known, book),
                **note(entry, origin, checkpoint, book, several_models=several),
            },
            params=self._params(entry),
            latest=_latest(entry, gains.get(entry.phase, {})),
            data=tuple(data_view(member, "train" if trains else "test") for member in members),
            done=done,
            parent=pair_key(entry),
            checkpoint=checkpoint,
            step=_step(known.trained) if trains else -1,
            origin=origin,
        )

    def _params(self, entry: Entry) -> dict[str, str]:
        """Flat params of the phase and of those before it."""
        params = {"model": entry.model, "task": entry.task, "seed": str(entry.seed)}
        if entry.kind != "pretrain":
            params["intermediate.task"] = entry.intermediate
        if entry.target:
            params["target.task"] = entry.target
        for name, stage in zip(stage_names(entry.lineage), entry.lineage, strict=True):
            spec = self._phases.of(stage.phase).spec
            if spec is not None:
                params.update({f"{name}.{key}": value for key, value in of_training(spec).items()})
            if name != stage.kind:  # one of several intermediates
                params[f"{name}.task"] = stage.task
        return params


def _step(result: TrainResult | None) -> int:
    """The update after which the checkpoint was saved."""
    if result is None:
        return 0
    return (result.dev.step if result.dev else 0) or result.steps


def _latest(entry: Entry, gains: Mapping[str, float]) -> dict[str, float]:
    """A pair's gains; of a pruned trial the last value that the search saw."""
    if gains:
        return {
            "gain": gains[""],
            **{metric_key("gain", entry.target, lang): value for lang, value in gains.items()},
        }
    return {} if entry.pruned_at is None else {"dev/best": entry.pruned_at}

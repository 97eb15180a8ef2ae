"""What MLflow is to hold for a sweep, worked out from its ledger and its records. Pure but for
reading records.

One `RunView` for each phase, and one for the sweep itself, under which the others are nested. The
ledger says which slots a phase fills and how they stand; the record says what came out. A phase
that fills several slots (shared by pairs, or found again by the search) is one run; its final slot
names it. Nothing here knows MLflow.

Names, as they read in MLflow:

    params    model, task, seed, intermediate.task, intermediate.lr, target.task, target.lr, ... (`params.py`)
    curves    train/loss, train/lr, dev/value, of a mixture dev/<task>/value       by step
    results   dev/best, dev/<task>/<metric>, score/<task>/<language>/<metric>, score/<task>/mean/<metric>
    layers    layers/<task>/<pooling>/<metric>, the mean over languages       by step, the hidden state
    gains     gain (the pair's mean on its own target), gain/<target>, gain/<target>/<language>

A gain is the value less that of the baseline `none` of the same model, target, seed, language and
primary metric. The baseline may come later, and so do the gains: they are `latest`, the other
numbers never change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean
from typing import Any

from xstilts.errors import StoreError
from xstilts.spec.digests import digest
from xstilts.spec.stages import stage_names
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.store.ledger import Entry, State
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, Record, TrainResult
from xstilts.tracking.numbers import (
    NOTHING,
    DataView,
    Outcome,
    Point,
    data_view,
    metric_key,
    milliseconds,
    scores,
    text,
    times,
    training_points,
)
from xstilts.tracking.params import of_training

SWEEP_KEY = "sweep"
STATUS = {
    "running": "RUNNING",
    "done": "FINISHED",
    "cached": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}
"""Ledger state to MLflow's run status; a slot that waits or is blocked has run nothing and has no
run.
"""
VIEW_VERSION = 2
"""Raised when the numbers that are sent for a record change; runs that were sent before are then
sent again.
"""
_KINDS = ("pretrain", "intermediate", "target", "evaluate")


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run as MLflow is to show it, but for the numbers of its record (`View.points`), which
    never change.
    """

    key: str
    """Phase id, or `SWEEP_KEY`; a slot that failed before its phase was known is named by the slot.
    """
    name: str
    status: str
    started: int
    """Milliseconds since 1970."""
    ended: int | None
    tags: dict[str, str]
    params: dict[str, str]
    latest: dict[str, float] = field(default_factory=dict)
    """Numbers that may change later."""
    data: tuple[DataView, ...] = ()
    done: bool = False
    """Whether it has a record."""
    checkpoint: str = ""
    """Folder of the model that it yields; empty for none."""
    step: int = 0
    """Step at which the checkpoint was taken."""
    origin: str = ""
    """Phase whose checkpoint it starts from or scores."""

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever anything that MLflow shows does."""
        return digest({**vars(self), "data": [vars(d) for d in self.data], "version": VIEW_VERSION})


class View:
    """Reads each record once; `runs` may be called as often as the ledger changes and works out
    only what did.
    """

    def __init__(self, sweep: Sweep, store: Store) -> None:
        self.sweep, self.store = sweep, store
        self.problems: dict[str, str] = {}
        """Phase to what is wrong with its record."""
        self._outcomes: dict[str, Outcome] = {}
        self._runs: dict[str, tuple[Any, RunView]] = {}

    def runs(self, entries: Sequence[Entry]) -> list[RunView]:
        """The sweep's run, then those of the phases, parents first."""
        book = _Book(entries)
        gains = self._gains(entries)
        keys = sorted(book.slots, key=lambda key: _KINDS.index(book.main(key).kind))
        return [
            self._sweep_run(entries, gains),
            *(self._cached_run(key, book, gains) for key in keys),
        ]

    def points(self, run: RunView) -> Iterable[Point]:
        """The numbers of a phase's record: learning curves and results, or scores."""
        if not run.done:
            return ()
        record = self.store.phase(run.key).record()
        ended = run.ended or run.started
        if isinstance(record.result, EvaluationResult):
            return scores(record.result, record.spec.members[0].task.name, ended)
        return training_points(record.result, run.started, ended)

    # -- records

    def _outcome(self, phase_id: str) -> Outcome:
        """What is known of a phase, its learning curve left out."""
        if phase_id in self._outcomes:
            return self._outcomes[phase_id]
        phase = self.store.phase(phase_id)
        try:
            if phase.done:
                self._outcomes[phase_id] = _outcome(phase.record())
                self.problems.pop(phase_id, None)
                return self._outcomes[phase_id]
        except (StoreError, ValueError) as error:
            self.problems[phase_id] = str(error)
        try:
            return Outcome(spec=phase.spec())
        except (StoreError, ValueError):
            return NOTHING

    # -- gains

    def _gains(self, entries: Iterable[Entry]) -> dict[str, dict[str, float]]:
        """Phase of a pair's evaluation -> {"": mean gain, language: gain}, where its baseline is
        there.
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
            base = baselines.get((entry.model, entry.target, entry.seed), {})
            if entry.intermediate == BASELINE or entry.phase in gains:
                continue
            by_language = {
                lang: value - base[lang]
                for lang, value in values[entry.phase].items()
                if lang in base
            }
            if by_language:
                both = {"": fmean(by_language.values()), **by_language}
                gains[entry.phase] = {lang: round(gain, 4) for lang, gain in both.items()}
        return gains

    def _primary(self, phase: str) -> dict[str, float]:
        """Language to the value of the target's primary metric."""
        outcome = self._outcome(phase)
        if outcome.spec is None or outcome.evaluated is None:
            return {}
        metric = outcome.spec.members[0].task.metric
        by_language = outcome.evaluated.scores
        return {lang: values[metric] for lang, values in by_language.items() if metric in values}

    # -- runs

    def _cached_run(
        self, key: str, book: _Book, gains: Mapping[str, Mapping[str, float]]
    ) -> RunView:
        """`_phase_run`, worked out again only where what it is made of has changed."""
        entry = book.main(key)
        phase = entry.phase
        begun = entry.state == "running" and self._outcome(phase).spec is not None
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

    def _phase_run(
        self, key: str, book: _Book, gains: Mapping[str, Mapping[str, float]]
    ) -> RunView:
        entry = book.main(key)
        outcome = self._outcome(entry.phase) if entry.phase else NOTHING
        done = outcome.provenance is not None
        started, ended = times(entry, outcome.provenance)
        trains = entry.kind != "evaluate"
        checkpoint = self.store.phase(entry.phase).checkpoint_where if trains and done else ""
        origin = (outcome.spec.parent_phase if outcome.spec else entry.parent) or ""
        members = outcome.spec.members if outcome.spec else ()
        return RunView(
            key=key,
            name=self._name(entry),
            status=STATUS[entry.state],
            started=started,
            ended=ended if entry.state.ended else None,
            tags={**_tags(key, outcome, book), **self._note(entry, origin, checkpoint, book)},
            params=self._params(entry),
            latest=_latest(entry, gains.get(entry.phase, {})),
            data=tuple(data_view(member, "train" if trains else "test") for member in members),
            done=done,
            checkpoint=checkpoint,
            step=_step(outcome.trained) if trains else -1,
            origin=origin,
        )

    def _name(self, entry: Entry) -> str:
        """`squad→udpos s1` for a pair's scores, `squad→udpos train t2` for the training of trial
        2.
        """
        pair = _pair(entry)
        which = f"t{entry.trial}" if entry.trial is not None else f"s{entry.seed}"
        what = (
            ""
            if entry.kind == "evaluate"
            else "pretrain "
            if entry.kind == "pretrain"
            else "train "
        )
        model = (
            f"{entry.model}: " if len(self.sweep.models) > 1 and entry.kind != "pretrain" else ""
        )
        return f"{model}{pair} {what}{which}"

    def _note(self, entry: Entry, origin: str, checkpoint: str, book: _Book) -> dict[str, str]:
        """The run's description: what went wrong, what it starts from, where its checkpoint
        lies.
        """
        verb = "Scores" if entry.kind == "evaluate" else "Starts from"
        lines = [f"**{entry.state}**: {entry.error}" if entry.error else ""]
        if origin in book.slots:
            lines.append(f"{verb} the checkpoint of **{self._name(book.main(origin))}**.")
        lines.append(f"Checkpoint: `{checkpoint}`" if checkpoint else "")
        note = "\n\n".join(line for line in lines if line)
        return {"mlflow.note.content": note[:5000]} if note else {}

    def _params(self, entry: Entry) -> dict[str, str]:
        """Flat params of the phase and of those before it."""
        params = {"model": entry.model, "task": entry.task, "seed": str(entry.seed)}
        if entry.kind != "pretrain":
            params["intermediate.task"] = entry.intermediate
        if entry.target:
            params["target.task"] = entry.target
        for name, stage in zip(stage_names(entry.lineage), entry.lineage, strict=True):
            spec = self._outcome(stage.phase).spec
            if spec is not None:
                params.update({f"{name}.{key}": value for key, value in of_training(spec).items()})
            if name != stage.kind:  # one of several intermediates
                params[f"{name}.task"] = stage.task
        return params

    def _sweep_run(
        self, entries: Sequence[Entry], gains: Mapping[str, Mapping[str, float]]
    ) -> RunView:
        """The run above the others: how far the sweep is, and each pair's mean gain over the
        seeds.
        """
        sweep = self.sweep
        states = [e.state for e in entries]
        shown = [state for state in State if state is not State.WAITING]
        pairs: dict[str, list[float]] = defaultdict(list)
        for entry in entries:
            if entry.phase in gains and entry.kind == "evaluate" and entry.role == "final":
                model = [entry.model] if len(sweep.models) > 1 else []
                pairs[metric_key("pair_gain", *model, entry.target, entry.intermediate)].append(
                    gains[entry.phase][""]
                )
        clock = sorted(milliseconds(e.time) for e in entries if e.time) or [0]
        going = not entries or any(state in ("running", "waiting") for state in states)
        return RunView(
            key=SWEEP_KEY,
            name=f"{sweep.name} v{sweep.version}",
            status="RUNNING" if going else "FAILED" if "failed" in states else "FINISHED",
            started=clock[0],
            ended=None if going else clock[-1],
            tags={
                "xstilts.key": SWEEP_KEY,
                "xstilts.kind": "sweep",
                "xstilts.sweep": sweep.name,
                "xstilts.store": str(self.store.path),
                "xstilts.selection": sweep.search.selection,
                "mlflow.note.content": sweep.description or sweep.name,
                "mlflow.source.name": "xstilts",
            },
            params=_sweep_params(sweep),
            latest={
                **{f"phases/{state}": float(states.count(state)) for state in shown},
                **{key: round(fmean(values), 4) for key, values in pairs.items()},
            },
        )


class _Book:
    """The ledger by phase."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.slots: dict[str, list[Entry]] = defaultdict(list)
        self.chosen: set[str] = set()
        """Phases that final scores rest on."""
        for entry in entries:
            if entry.state in STATUS:
                self.slots[entry.phase or entry.slot].append(entry)
            if entry.kind == "evaluate" and entry.role == "final":
                trained = (stage for stage in entry.lineage if stage.kind != "pretrain")
                self.chosen |= {entry.phase, *(stage.phase for stage in trained)}

    def main(self, key: str) -> Entry:
        """The slot that names the run: done before failed, final before trial, the first among
        equals.
        """
        return min(self.slots[key], key=lambda e: (not e.state.finished, e.role != "final"))


def _outcome(record: Record) -> Outcome:
    """What a record says, its learning curve left out."""
    if isinstance(record.result, EvaluationResult):
        return Outcome(spec=record.spec, evaluated=record.result, provenance=record.provenance)
    slim = replace(record.result, curve=())
    return Outcome(spec=record.spec, trained=slim, provenance=record.provenance)


def _step(result: TrainResult | None) -> int:
    """The update after which the checkpoint was taken."""
    if result is None:
        return 0
    return (result.dev.step if result.dev else 0) or result.steps


def _tags(key: str, outcome: Outcome, book: _Book) -> dict[str, str]:
    entry, slots = book.main(key), book.slots[key]
    tags = {
        "xstilts.key": key,
        "xstilts.phase": entry.phase,
        "xstilts.kind": entry.kind,
        "xstilts.slot": ", ".join(e.slot for e in slots),
        "xstilts.pair": ", ".join(dict.fromkeys(_pair(e) for e in slots)),
        "xstilts.role": entry.role,
        "xstilts.chosen": "yes" if entry.phase in book.chosen else "",
        "xstilts.seed": str(entry.seed),
        "xstilts.state": entry.state,
        "xstilts.study": entry.study,
        "xstilts.trial": "" if entry.trial is None else str(entry.trial),
        "xstilts.parent": entry.parent,
        "xstilts.train_phase": entry.train_phase,
        "xstilts.intermediate_phase": ", ".join(entry.intermediate_phases),
        "xstilts.error": entry.error,
        "xstilts.attempts": str(entry.attempts) if entry.attempts > 1 else "",
        "xstilts.host": outcome.provenance.host if outcome.provenance else "",
        "xstilts.device": outcome.provenance.device if outcome.provenance else "",
        "xstilts.stopped": outcome.trained.stopped if outcome.trained else "",
        "mlflow.source.name": "xstilts",
    }
    return {name: value[:5000] for name, value in tags.items() if value}


def _pair(entry: Entry) -> str:
    if entry.kind == "pretrain":
        return entry.model
    return f"{entry.intermediate}→{entry.target}" if entry.target else entry.intermediate


def _latest(entry: Entry, gains: Mapping[str, float]) -> dict[str, float]:
    """A pair's gains; of a trial that was given up, the value that the search saw."""
    if gains:
        return {
            "gain": gains[""],
            **{metric_key("gain", entry.target, lang): value for lang, value in gains.items()},
        }
    return {} if entry.pruned_at is None else {"dev/best": entry.pruned_at}


def _sweep_params(sweep: Sweep) -> dict[str, str]:
    return {
        "models": ", ".join(str(getattr(m, "label", None) or m.name) for m in sweep.models),
        "intermediates": ", ".join(sweep.labels),
        "targets": ", ".join(sweep.targets),
        "seeds": ", ".join(str(seed) for seed in sweep.seeds),
        **{
            f"search.{name}": text(value)
            for name, value in sweep.search.model_dump(mode="json").items()
        },
    }

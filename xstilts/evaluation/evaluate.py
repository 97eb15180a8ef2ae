"""Scores: on development data during a training, zero-shot in all languages afterwards.

A format predicts a split and decodes its predictions into tables with one row for each example
(`formats/__init__.py`). Scores are computed only from a table's columns, so each can be recomputed
from the stored predictions.

An evaluation reads a language's test rows, and its development rows if the format tunes something
on them. Most formats decode a language as soon as it is predicted; formats that decode all
languages together wait for the last one. If a task asks for a sweep of hidden states, its
predictions are read in several ways; each is decoded and scored, and `layers` in the result has the
scores (`vector_store.py` keeps the vectors).

Each worker takes its share: of the batches for development data, of the languages in an evaluation.
The first worker writes, reports, and decodes what is decoded together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from xstilts import formats
from xstilts.data import task_data
from xstilts.errors import DataError, PhaseError
from xstilts.evaluation.vector_store import Scratch, VectorStore
from xstilts.formats.prediction import ByUse, Predicted, Predictor, Table
from xstilts.models import model
from xstilts.scoring.metrics import METRICS
from xstilts.spec.task import Task, Use
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, LayerScore
from xstilts.workers import process
from xstilts.workers.context import Answer, Report, Reporter
from xstilts.workers.precision import use_bf16

if TYPE_CHECKING:
    from xstilts.formats.encoded import EncodedSplit
    from xstilts.models.model import LoadedModel
    from xstilts.sources.context import DataContext
    from xstilts.spec.phase import PhaseSpec
    from xstilts.store.phases import Phase
    from xstilts.workers.process import World

LanguageResult = tuple[str, Any, list[dict[str, Any]]]
"""A language, its table (for a pooled format, what is kept of its test rows), its rows of
`layers`.
"""


# -- scoring


def scores(table: Mapping[str, Sequence[Any]], task: Task) -> dict[str, float]:
    """Every metric of the task's format in percent; PhaseError if one is not finite."""
    values = {name: METRICS[name].of(table) for name in task.spec.metrics}
    for name, value in values.items():
        if not math.isfinite(value):
            raise PhaseError(
                f"task {task.name}: {name} is {value}; must be finite: check the model's "
                "predictions"
            )
    if task.metric not in values:
        raise DataError(
            f"task {task.name}: metric is {task.metric}; must be one of {', '.join(values)}"
        )
    return values


def dev_scores(
    loaded: LoadedModel, member: int, encoded: EncodedSplit, task: Task, *, world: World, bf16: bool
) -> dict[str, float]:
    """Scores on development rows, the same on every worker."""
    its_format = formats.get(task.format)
    predictor = Predictor(
        model=loaded.model,
        member=member,
        tokenizer=loaded.tokenizer,
        pad_id=loaded.pad_id,
        world=world,
        bf16=bf16,
    )
    kept = its_format.predict(encoded, task, predictor)
    return world.on_first(lambda: scores(its_format.decode(kept, encoded, task), task))


# -- an evaluation phase


def run(
    spec: PhaseSpec,
    phase: Phase,
    store: Store,
    context: DataContext,
    world: World,
    report: Reporter,
) -> EvaluationResult | None:
    """Evaluates the parent's checkpoint in every language; keeps predictions, returns the result.

    `report` is called on every worker, after each round of languages and with what is done before;
    the evaluation ends with None if it is told to after a round, but is not left after the last.
    """
    started = time.monotonic()
    if len(spec.members) != 1:
        raise PhaseError("an evaluation has one task; evaluate the members of a mixture one by one")
    task = spec.members[0].task
    n_languages = len(task.languages)
    report(Report(step=0, steps=n_languages, doing="loading the checkpoint"))
    loaded = model.load(spec, store, context)
    loaded.model.to(world.device)
    evaluation = _Evaluation(
        spec=spec, loaded=loaded, context=context, device=world.device, scratch=phase.staging
    )
    tables: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []
    for first in range(0, len(task.languages), world.size):
        here, began = task.languages[first : first + world.size], time.monotonic()
        report(Report(step=first, steps=n_languages, doing=f"predicting {', '.join(here)}"))
        found = _round(evaluation, here, world)
        own = {language: table for language, table, _ in found}
        if not task.spec.pooled:
            world.on_first(partial(_write_predictions, phase, own))
        tables.update(own)
        layers += [row for _, _, rows in found for row in rows]
        rows = sum(len(table if task.spec.pooled else table["id"]) for table in own.values())
        done = Report(
            step=min(first + world.size, n_languages),
            steps=n_languages,
            examples_per_second=rows / max(1e-9, time.monotonic() - began),
        )
        answer = report(done)
        if answer == Answer.STOP or (answer == Answer.LEAVE and done.step < n_languages):
            return None

    def finish() -> EvaluationResult:
        whole = tables
        if task.spec.pooled:
            whole = evaluation.pooled(tables)
            _write_predictions(phase, whole)
        return _result(task, whole, layers, time.monotonic() - started)

    return world.on_first(finish)


def _round(evaluation: _Evaluation, languages: Sequence[str], world: World) -> list[LanguageResult]:
    """Evaluates one language on each worker; the first worker gets all results."""
    mine = evaluation.evaluated(languages[world.rank]) if world.rank < len(languages) else None
    return [one for one in world.gather(mine) if one is not None]


@dataclass(frozen=True, kw_only=True)
class _Evaluation:
    """Predicts and decodes one language after another in this process."""

    spec: PhaseSpec
    loaded: LoadedModel
    context: DataContext
    device: torch.device
    scratch: Scratch
    """Makes a folder for vectors that do not fit into memory."""

    @property
    def task(self) -> Task:
        return self.spec.members[0].task

    def evaluated(self, language: str) -> LanguageResult:
        """The table of a language and, for a sweep, the scores of its variants."""
        predicted = {
            use: self._predicted(self._encoded(use, language)) for use in self.task.uses("evaluate")
        }
        if self.task.spec.pooled:
            return language, predicted["test"].kept, []
        return language, *self._read(language, predicted)

    def pooled(self, kept: Mapping[str, list[Any]]) -> dict[str, Table]:
        """The tables of all languages, decoded together."""
        predicted: dict[str, ByUse] = {
            language: {"test": Predicted(self._encoded("test", language), one)}
            for language, one in kept.items()
        }
        return self._format.tables(predicted, self.task)

    @property
    def _format(self) -> formats.Format:
        return formats.get(self.task.format)

    def _encoded(self, use: Use, language: str) -> EncodedSplit:
        return task_data.encoded(
            self.task, use, language, self.loaded.tokenizer, self.spec.hyper, self.context
        )

    def _predicted(self, split: EncodedSplit) -> Predicted:
        predictor = Predictor(
            model=self.loaded.model,
            member=0,
            tokenizer=self.loaded.tokenizer,
            pad_id=self.loaded.pad_id,
            world=process.World(rank=0, size=1, device=self.device),
            bf16=use_bf16(self.spec.hyper, self.device),
            keep=VectorStore(len(split), self.scratch).keep,
        )
        return Predicted(split, self._format.predict(split, self.task, predictor))

    def _read(self, language: str, predicted: ByUse) -> tuple[Table, list[dict[str, Any]]]:
        """The task's own table, and a row for each metric of each variant of a sweep."""
        n_layers = self.loaded.model.body.config.num_hidden_layers
        own: Table = {}
        rows: list[dict[str, Any]] = []
        for variant, one in self._format.readings(predicted, self.task, n_layers):
            table = self._format.tables({language: one}, self.task)[language]
            own = own or table
            if not variant:
                continue
            names = {"language": language, **variant}
            for name, value in scores(table, self.task).items():
                rows.append({**names, "metric": name, "value": value, "n": len(table["id"])})
        return own, rows


def _result(
    task: Task, tables: dict[str, Table], layers: Sequence[dict[str, Any]], seconds: float
) -> EvaluationResult:
    for language, table in tables.items():
        if not table["id"]:
            raise DataError(
                f"task {task.name}: {language} has nothing to score; check its test rows"
            )
    by_language = {language: scores(table, task) for language, table in tables.items()}
    names = task.spec.metrics
    return EvaluationResult(
        scores=by_language,
        mean={
            name: sum(values[name] for values in by_language.values()) / len(by_language)
            for name in names
        },
        n={language: len(table["id"]) for language, table in tables.items()},
        rules={name: METRICS[name].rules for name in names if METRICS[name].rules},
        seconds=seconds,
        layers=[LayerScore(**row) for row in layers],
    )


def _write_predictions(phase: Phase, tables: Mapping[str, Table]) -> None:
    for language, table in tables.items():
        phase.keep_predictions(language, table)

"""Predictions and scores: on development data while a phase trains, zero-shot in all languages
after.

Features are taken longest first, in batches of about the same number of tokens, and their logits go
to numpy batch by batch with the padding cut off, so memory is bounded by the predictions and not by
the padding. A format decodes them into a table of one row an example; scores are computed from that
table's columns alone, so each can be recomputed from what is stored.

Two kinds of formats need more than a language's test rows: those in `task.TUNED` its development
rows too, those in `task.POOLED` the test rows of all languages, which are decoded together. And a
task may ask for a sweep of hidden states and poolings: every variant is decoded and scored, and
`layers` in the result says how (`shelf.py` keeps their vectors).

Of several workers each takes its share: of the batches on development data, of the languages in an
evaluation. The first one writes and says, and decodes what is decoded together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xstilts import formats
from xstilts.data import task_data
from xstilts.errors import DataError, PhaseError
from xstilts.evaluation.vector_store import Scratch, Shelf
from xstilts.formats import embedding
from xstilts.models import model
from xstilts.scoring.metrics import METRICS
from xstilts.spec.task import POOLED, TUNED, Task, Use
from xstilts.store.phases import Store
from xstilts.store.results import EvaluationResult, LayerScore
from xstilts.workers import process
from xstilts.workers.precision import use_bf16

if TYPE_CHECKING:
    from collections.abc import Callable

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.models.model import Loaded, PhaseModel
    from xstilts.sources.context import DataContext
    from xstilts.spec.phase import PhaseSpec
    from xstilts.store.phases import Phase
    from xstilts.workers.process import World

PER_TOKEN = ("tagging", "span_qa", "masked_lm")
"""Formats whose logits have one entry a token."""
BATCH_TOKENS = {"cpu": 4096, "cuda": 65536}
"""Tokens of a prediction batch, padding included."""
MASKED_LM_SHARE = 8
"""A masked LM's batch has one token in so many: 15 % of 65,536 against 250,000 words would be 10
GB, and that twice.
"""

Array = np.ndarray[Any, np.dtype[Any]]
Table = dict[str, list[Any]]
Made = tuple[str, Any, list[dict[str, Any]]]
"""A language, its table (of a pooled format its logits), its rows of `layers`."""


# --- predicting


def batches(lengths: Array | Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Feature numbers in batches of at most `tokens` tokens after padding (one feature at least),
    longest first.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    first = 0
    while first < len(order):
        count = max(1, tokens // max(1, int(lengths[order[first]])))
        yield order[first : first + count]
        first += count


def batch_tokens(task: Task, device: str) -> int:
    """Tokens of a task's prediction batch on a device."""
    return BATCH_TOKENS[device] // (MASKED_LM_SHARE if task.format == "masked_lm" else 1)


def predict(
    phase_model: PhaseModel,
    member: int,
    encoded: EncodedSplit,
    task: Task,
    *,
    pad_id: int,
    world: World,
    bf16: bool,
    shelf: Shelf | None = None,
) -> list[Any]:
    """What the format keeps of every feature's logits, in order, on the first worker; the others
    get an empty list.
    """
    own: dict[int, Any] = {}
    training = phase_model.training
    phase_model.eval()
    with torch.inference_mode(), torch.autocast(world.device.type, torch.bfloat16, enabled=bf16):
        for number, rows in enumerate(
            batches(encoded.lengths, batch_tokens(task, world.device.type))
        ):
            if number % world.size == world.rank:
                for row, kept in _batch_logits(
                    phase_model, member, encoded, task, rows, pad_id, world.device
                ):
                    own[row] = shelf.keep(row, kept) if shelf else kept
    phase_model.train(training)
    everything: dict[int, Any] = {}
    for part in world.gather(own):
        everything.update(part)
    return [everything[row] for row in range(len(everything))]


def _batch_logits(
    phase_model: PhaseModel,
    member: int,
    encoded: EncodedSplit,
    task: Task,
    rows: list[int],
    pad_id: int,
    device: torch.device,
) -> Iterator[tuple[int, Any]]:
    module = formats.get(task.format)
    compact = getattr(module, "compact", None)
    collated = module.collate(encoded.features.__getitems__(rows), pad_id, None)
    logits, _ = phase_model.outputs(
        member, {name: value.to(device) for name, value in collated.items()}
    )
    whole = (logits.float() if logits.is_floating_point() else logits).cpu().numpy()
    for row, one in zip(rows, whole, strict=True):
        if task.format in PER_TOKEN:
            one = one[: int(encoded.lengths[row])].copy()
        yield row, compact(one) if compact else one


# --- scoring


def scores(table: Mapping[str, Sequence[Any]], task: Task) -> dict[str, float]:
    """Every metric of the task's format in percent; PhaseError where one is no finite number."""
    values = {name: METRICS[name].of(table) for name in formats.get(task.format).METRICS}
    for name, value in values.items():
        if not math.isfinite(value):
            raise PhaseError(
                f"task {task.name}: {name} is {value}; must be finite: look at the model's "
                "predictions"
            )
    if task.metric not in values:
        raise DataError(
            f"task {task.name}: metric is {task.metric}; must be one of {', '.join(values)}"
        )
    return values


def dev_scores(
    loaded: Loaded, member: int, encoded: EncodedSplit, task: Task, *, world: World, bf16: bool
) -> dict[str, float]:
    """Scores on development rows, the same on every worker."""
    logits = predict(
        loaded.model, member, encoded, task, pad_id=loaded.pad_id, world=world, bf16=bf16
    )
    return world.on_first(
        lambda: scores(formats.get(task.format).decode(logits, encoded, task), task)
    )


# --- an evaluation phase


def run(
    spec: PhaseSpec,
    phase: Phase,
    store: Store,
    context: DataContext,
    world: World,
    said: Callable[[int, int], bool],
) -> EvaluationResult | None:
    """Evaluates the parent's checkpoint in every language; keeps predictions, returns the result.

    `said(done, languages)` is called on every worker alike; None where it says to stop.
    """
    started = time.monotonic()
    if len(spec.members) != 1:
        raise PhaseError("an evaluation has one task; evaluate the members of a mixture one by one")
    task = spec.members[0].task
    loaded = model.load(spec, store, context)
    loaded.model.to(world.device)
    evaluation = _Evaluation(
        spec=spec, loaded=loaded, context=context, device=world.device, scratch=phase.staging
    )
    tables: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []
    for first in range(0, len(task.languages), world.size):
        found = _round(evaluation, task.languages[first : first + world.size], world)
        made = {language: table for language, table, _ in found}
        if task.format not in POOLED:
            world.on_first(partial(_write_predictions, phase, made))
        tables.update(made)
        layers += [row for _, _, rows in found for row in rows]
        if not said(min(first + world.size, len(task.languages)), len(task.languages)):
            return None

    def closed() -> EvaluationResult:
        whole = tables
        if task.format in POOLED:
            whole = evaluation.pooled(tables)
            _write_predictions(phase, whole)
        return _result(task, whole, layers, time.monotonic() - started)

    return world.on_first(closed)


def _round(evaluation: _Evaluation, languages: Sequence[str], world: World) -> list[Made]:
    """One language for each worker; the first worker gets them all."""
    mine = evaluation.made(languages[world.rank]) if world.rank < len(languages) else None
    return [one for one in world.gather(mine) if one is not None]


@dataclass(frozen=True, kw_only=True)
class _Evaluation:
    """Predicts and decodes one language after another in this process."""

    spec: PhaseSpec
    loaded: Loaded
    context: DataContext
    device: torch.device
    scratch: Scratch
    """For what does not fit into memory."""

    @property
    def task(self) -> Task:
        return self.spec.members[0].task

    def made(self, language: str) -> Made:
        """The table of a language and, where a sweep was asked for, the scores of its variants."""
        uses: tuple[Use, ...] = ("test", "dev") if self.task.format in TUNED else ("test",)
        splits = [self._encoded(use, language) for use in uses]
        kept = [self._logits(split) for split in splits]
        if self.task.format in POOLED:
            return language, kept[0], []
        if self.task.options.sweep_layers or self.task.options.sweep_poolings:
            return language, *self._swept(language, kept, splits)
        return language, self._table(kept, splits), []

    def pooled(self, logits: Mapping[str, list[Any]]) -> dict[str, Table]:
        """The tables of all languages, decoded together."""
        splits = {language: self._encoded("test", language) for language in logits}
        made: dict[str, Table] = self._format.decode_pool(logits, splits, self.task)
        return made

    @property
    def _format(self) -> Any:
        return formats.get(self.task.format)

    def _encoded(self, use: Use, language: str) -> EncodedSplit:
        return task_data.encoded(
            self.task, use, language, self.loaded.tokenizer, self.spec.hyper, self.context
        )

    def _logits(self, split: EncodedSplit) -> list[Any]:
        alone = process.World(rank=0, size=1, device=self.device)
        bf16 = use_bf16(self.spec.hyper, self.device)
        return predict(
            self.loaded.model,
            0,
            split,
            self.task,
            pad_id=self.loaded.pad_id,
            world=alone,
            bf16=bf16,
            shelf=Shelf(len(split), self.scratch),
        )

    def _table(self, logits: Sequence[list[Any]], splits: Sequence[EncodedSplit]) -> Table:
        if len(splits) == 1:
            made: Table = self._format.decode(logits[0], splits[0], self.task)
        else:
            made = self._format.decode_tuned(logits[0], splits[0], logits[1], splits[1], self.task)
        return made

    def _swept(
        self, language: str, kept: Sequence[list[Any]], splits: Sequence[EncodedSplit]
    ) -> tuple[Table, list[dict[str, Any]]]:
        """The task's own table, and a row for each metric of each variant."""
        variants = embedding.variants(
            self.task.options, self.loaded.model.body.config.num_hidden_layers
        )
        own: Table = {}
        rows: list[dict[str, Any]] = []
        for number, (layer, pooling) in enumerate(variants):
            table = self._table([embedding.variant(one, number) for one in kept], splits)
            own = own or table
            where = {"language": language, "layer": layer, "pooling": pooling}
            for name, value in scores(table, self.task).items():
                rows.append({**where, "metric": name, "value": value, "n": len(table["id"])})
        return own, rows


def _result(
    task: Task, tables: dict[str, Table], layers: Sequence[dict[str, Any]], seconds: float
) -> EvaluationResult:
    for language, table in tables.items():
        if not table["id"]:
            raise DataError(
                f"task {task.name}: {language} has nothing to score; look at its test rows"
            )
    by_language = {language: scores(table, task) for language, table in tables.items()}
    names = formats.get(task.format).METRICS
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

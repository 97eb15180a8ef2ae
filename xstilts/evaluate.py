"""Predictions and scores: on development data while a phase trains, zero-shot in all languages after.

Features are taken longest first, in batches of about the same number of tokens, and their logits go to
numpy batch by batch with the padding cut off, so memory is bounded by the predictions and not by
the padding. A format decodes them into a table of one row an example; scores are computed from that
table's columns alone, so each can be recomputed from what is stored.

Of several workers each takes its share: of the batches on development data, of the languages in an
evaluation. The first one decodes, writes and says.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xstilts import data, formats, model, process
from xstilts.errors import DataError, PhaseError
from xstilts.metrics import METRICS
from xstilts.store import Store, write_bytes
from xstilts.task import Task
from xstilts.trainer import use_bf16

if TYPE_CHECKING:
    from collections.abc import Callable

    from xstilts.data import DataContext, EncodedSplit
    from xstilts.identity import PhaseSpec
    from xstilts.model import Loaded, PhaseModel
    from xstilts.process import World
    from xstilts.store import Phase

PER_TOKEN = ("tagging", "span_qa", "masked_lm")
"""Formats whose logits have one entry a token."""
BATCH_TOKENS = {"cpu": 4096, "cuda": 65536}
"""Tokens of a prediction batch, padding included."""

Array = np.ndarray[Any, np.dtype[Any]]
Table = dict[str, list[Any]]


# --- predicting


def batches(lengths: Array | Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Feature numbers in batches of at most `tokens` tokens after padding (one feature at least), longest first."""
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    first = 0
    while first < len(order):
        count = max(1, tokens // max(1, int(lengths[order[first]])))
        yield order[first : first + count]
        first += count


def predict(
    phase_model: PhaseModel, member: int, encoded: EncodedSplit, task: Task, *, pad_id: int, world: World, bf16: bool
) -> list[Array]:
    """Logits of every feature in order, on the first worker; the others get an empty list."""
    own: dict[int, Array] = {}
    training = phase_model.training
    phase_model.eval()
    with torch.inference_mode(), torch.autocast(world.device.type, torch.bfloat16, enabled=bf16):
        for number, rows in enumerate(batches(encoded.lengths, BATCH_TOKENS[world.device.type])):
            if number % world.size == world.rank:
                own.update(_batch_logits(phase_model, member, encoded, task, rows, pad_id, world.device))
    phase_model.train(training)
    everything: dict[int, Array] = {}
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
) -> Iterator[tuple[int, Array]]:
    collated = formats.get(task.format).collate(encoded.features.__getitems__(rows), pad_id, None)
    logits, _ = phase_model.outputs(member, {name: value.to(device) for name, value in collated.items()})
    whole = (logits.float() if logits.is_floating_point() else logits).cpu().numpy()
    for row, one in zip(rows, whole, strict=True):
        yield row, (one[: int(encoded.lengths[row])].copy() if task.format in PER_TOKEN else one)


# --- scoring


def scores(table: Mapping[str, Sequence[Any]], task: Task) -> dict[str, float]:
    """Every metric of the task's format in percent; PhaseError where one is no finite number."""
    values = {name: METRICS[name].of(table) for name in formats.get(task.format).METRICS}
    for name, value in values.items():
        if not math.isfinite(value):
            raise PhaseError(f"task {task.name}: {name} is {value}; must be finite: look at the model's predictions")
    if task.metric not in values:
        raise DataError(f"task {task.name}: metric is {task.metric}; must be one of {', '.join(values)}")
    return values


def dev_scores(
    loaded: Loaded, member: int, encoded: EncodedSplit, task: Task, *, world: World, bf16: bool
) -> dict[str, float]:
    """Scores on development rows, the same on every worker."""
    logits = predict(loaded.model, member, encoded, task, pad_id=loaded.pad_id, world=world, bf16=bf16)
    values = scores(formats.get(task.format).decode(logits, encoded, task), task) if world.first else None
    return dict(world.from_first(values))


# --- an evaluation phase


def run(
    spec: PhaseSpec, phase: Phase, store: Store, context: DataContext, world: World, said: Callable[[int, int], bool]
) -> dict[str, Any] | None:
    """Evaluates the parent's checkpoint in every language; writes predictions and scores, returns the result.

    `said(done, languages)` is called on every worker alike; None where it says to stop.
    """
    started = time.monotonic()
    if len(spec.members) != 1:
        raise PhaseError("an evaluation has one task; evaluate the members of a mixture one by one")
    task = spec.members[0].task
    loaded = model.load(spec, store, context)
    loaded.model.to(world.device)
    tables: dict[str, Table] = {}
    for first in range(0, len(task.languages), world.size):
        for language, table in _round(spec, loaded, context, world, task.languages[first : first + world.size]):
            _write_parquet(phase.predictions / f"{language}.parquet", table)
            tables[language] = table
        if not said(min(first + world.size, len(task.languages)), len(task.languages)):
            return None
    return _result(task, tables, phase, time.monotonic() - started) if world.first else {}


def _round(
    spec: PhaseSpec, loaded: Loaded, context: DataContext, world: World, languages: Sequence[str]
) -> list[tuple[str, Table]]:
    """One language for each worker; the first worker gets all tables."""
    mine = languages[world.rank] if world.rank < len(languages) else None
    table = None if mine is None else _table(spec, loaded, context, world, mine)
    return [one for one in world.gather((mine, table) if table is not None else None) if one is not None]


def _table(spec: PhaseSpec, loaded: Loaded, context: DataContext, world: World, language: str) -> Table:
    task = spec.members[0].task
    encoded = data.encoded(task, "test", language, loaded.tokenizer, spec.hyper, context)
    alone = process.World(rank=0, size=1, device=world.device)
    bf16 = use_bf16(spec.hyper, world.device)
    logits = predict(loaded.model, 0, encoded, task, pad_id=loaded.pad_id, world=alone, bf16=bf16)
    return formats.get(task.format).decode(logits, encoded, task)


def _result(task: Task, tables: dict[str, Table], phase: Phase, seconds: float) -> dict[str, Any]:
    by_language = {language: scores(table, task) for language, table in tables.items()}
    n = {language: len(table["id"]) for language, table in tables.items()}
    names = formats.get(task.format).METRICS
    columns = ("task", "language", "split", "metric", "value", "n")
    rows = [
        (task.name, language, "test", name, values[name], n[language])
        for language, values in by_language.items()
        for name in names
    ]
    _write_parquet(phase.scores, {name: [row[i] for row in rows] for i, name in enumerate(columns)})
    mean = {name: sum(values[name] for values in by_language.values()) / len(by_language) for name in names}
    return {"scores": by_language, "mean": mean, "n": n, "seconds": seconds}


def _write_parquet(path: Any, table: Mapping[str, Sequence[Any]]) -> None:
    """Writes a table atomically; StoreError where it can't."""
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({k: list(v) for k, v in table.items()}), buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())

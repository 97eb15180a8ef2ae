"""A phase's numbers, times and data in MLflow's terms, from its record. Pure.

Every number has a fixed time and step, worked out from the record alone, so that sending it twice
has no effect: MLflow keeps one row for each (metric, time, step, value).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from xstilts.spec.phase import Member, PhaseSpec
from xstilts.store.ledger import Entry
from xstilts.store.results import DevScore, EvaluationResult, Provenance, TrainResult


@dataclass(frozen=True, kw_only=True)
class Point:
    """One number at one step. `time` is fixed, in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int = 0
    scored: bool = False
    """Whether it describes the checkpoint, and not the training that led to it."""


@dataclass(frozen=True, kw_only=True)
class DataView:
    """A dataset that a phase read."""

    name: str
    digest: str
    """At most 36 characters."""
    source_type: str
    source: str
    """JSON."""
    use: str
    """`train` or `test`."""


@dataclass(frozen=True, kw_only=True)
class KnownPhase:
    """What is known of a phase: its spec once it has begun, the rest once it has a record."""

    spec: PhaseSpec | None = None
    trained: TrainResult | None = None
    evaluated: EvaluationResult | None = None
    provenance: Provenance | None = None


NOTHING = KnownPhase()


def training_points(result: TrainResult, started: int, ended: int) -> Iterable[Point]:
    """Curves and results of a training; times are spread evenly over its steps."""
    steps = max(1, result.steps)

    def at(step: int) -> int:
        return started + round((ended - started) * min(step, steps) / steps)

    for row in result.curve:
        for key, number in (("train/loss", row.loss), ("train/lr", row.lr), ("dev/value", row.dev)):
            if number is not None:
                yield Point(key=key, value=number, time=at(row.step), step=row.step)
        for task, value in (row.dev_by_task or {}).items():
            key = metric_key("dev", task, "value")
            yield Point(key=key, value=value, time=at(row.step), step=row.step)
    if result.dev is not None:
        yield from _kept(result.dev, at(result.dev.step))
    if result.seconds:
        yield Point(key="train/seconds", value=result.seconds, time=ended)
        if result.tokens:
            pace = round(result.tokens / result.seconds, 1)
            yield Point(key="train/tokens_per_second", value=pace, time=ended)


def _kept(dev: DevScore, taken: int) -> Iterable[Point]:
    """The development scores of the weights that were kept, at the time of their step."""
    yield Point(key="dev/best", value=dev.value, time=taken, scored=True)
    for task, metrics in dev.metrics.items():
        for metric, value in metrics.items():
            yield Point(key=metric_key("dev", task, metric), value=value, time=taken, scored=True)


def scores(result: EvaluationResult, task: str, ended: int) -> Iterable[Point]:
    """Every metric in every language, the means over languages, and for a layer sweep the mean at
    each hidden state.
    """
    by_language = {**result.scores, "mean": result.mean}
    for language, metrics in by_language.items():
        for metric, value in metrics.items():
            yield Point(
                key=metric_key("score", task, language, metric),
                value=value,
                time=ended,
                scored=True,
            )
    swept: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in result.layers:
        swept[row.pooling, row.metric, row.layer].append(row.value)
    for (pooling, metric, layer), values in swept.items():
        key = metric_key("layers", task, pooling, metric)
        yield Point(key=key, value=fmean(values), time=ended, step=layer, scored=True)


def data_view(member: Member, use: str) -> DataView:
    """The data of one task of a phase; `use` is `train` or `test`."""
    source = member.task.source
    if source.hub:
        kind, where = (
            "hugging_face",
            {"path": source.hub, "config_name": source.config, "revision": source.revision},
        )
    elif source.files:
        kind, where = "local", {"uri": ", ".join(source.files)}
    else:
        kind, where = "generator", {"uri": f"xstilts generator: {source.generator}"}
    return DataView(
        name=member.task.name,
        digest=member.data_revision[:36],
        source_type=kind,
        source=json.dumps(where),
        use=use,
    )


def times(entry: Entry, provenance: Provenance | None) -> tuple[int, int | None]:
    """Start and end; without a record the time at which its state began stands for both."""
    if provenance is not None:
        return milliseconds(provenance.started), milliseconds(provenance.ended)
    now = milliseconds(entry.time)
    return now, now if entry.state.ended else None


def milliseconds(iso: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time, UTC if it names no zone; 0 for an empty text."""
    if not iso:
        return 0
    time = datetime.fromisoformat(iso)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def metric_key(*parts: str) -> str:
    """A metric's name from its parts that are not empty. MLflow allows letters, digits, spaces and
    `_ - . :`; anything else becomes `_`.
    """
    return "/".join(re.sub(r"[^\w.\- :]", "_", part) for part in parts if part)[:250]


def text(value: Any) -> str:
    """A param's value as MLflow shows it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)

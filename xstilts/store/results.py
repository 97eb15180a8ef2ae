"""What a finished phase says of itself: the record, and the results in it.

A record is one JSON file; these are its values, read by attribute. They are built from the file
without looking at every number: a report reads hundreds of records, and a record that passed its
hash was written by `to_json` below. That a part is missing is found all the same.

Scores are percentages (0 to 100), times are seconds, losses are means over loss items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from xstilts.spec.phase import PhaseSpec

Metrics = Mapping[str, float]
"""Metric to value, in percent."""


class CurvePoint(NamedTuple):
    """One point of a training's learning curve."""

    step: int
    """Updates done."""
    loss: float
    """Training loss, mean since the point before."""
    lr: float
    """Learning rate of the update."""
    dev: float | None = None
    """Development score, percent; None at a step without an evaluation."""
    dev_by_task: Metrics | None = None
    """Of a mixture: task to its primary metric, percent."""

    def to_json(self) -> dict[str, Any]:
        """As it lies in a record."""
        values = self._asdict()
        if self.dev_by_task is None:
            del values["dev_by_task"]
        return values


@dataclass(frozen=True, kw_only=True)
class DevScore:
    """Score on the development data of the weights that were kept."""

    value: float
    """Percent; of a mixture the mean of the deciding members' primary metrics."""
    metric: str
    """The primary metric, or `mean` where members have several."""
    step: int
    """The update after which the weights were kept."""
    metrics: Mapping[str, Metrics]
    """Task to all its metrics."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What came of a training."""

    dev: DevScore | None
    """None where no member has development rows."""
    steps: int
    """Updates done."""
    stopped: str
    """`finished`, or `patience` where the development score had stopped rising."""
    tokens: int
    """Tokens of real text, over all updates."""
    examples: int
    """Rows, each counted as often as it was trained on."""
    seconds: float
    """Over all attempts."""
    loss: float
    """At the last point of the curve."""
    curve: Sequence[CurvePoint]
    """At most 200 points, in the order of their steps."""
    transformed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Task to what its transform made: rows, and rows dropped by reason."""

    def to_json(self) -> dict[str, Any]:
        """As it lies in a record."""
        values = {**vars(self), "dev": vars(self.dev) if self.dev else None}
        values["curve"] = [point.to_json() for point in self.curve]
        if not self.transformed:
            del values["transformed"]
        return values

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> TrainResult:
        """From a record."""
        dev = values["dev"]
        read = {
            "dev": None if dev is None else DevScore(**dev),
            "curve": [CurvePoint(**point) for point in values["curve"]],
        }
        return cls(**{**values, **read})


class LayerScore(NamedTuple):
    """The score of one hidden state and pooling, of a task that asks for a sweep of them."""

    language: str
    layer: int
    """Hidden state; 0 is the embeddings."""
    pooling: str
    metric: str
    value: float
    """Percent."""
    n: int
    """Examples."""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """What came of an evaluation."""

    scores: Mapping[str, Metrics]
    """Language to its metrics."""
    mean: Metrics
    """Metric to its plain mean over the languages."""
    n: Mapping[str, int]
    """Language to the number of its examples."""
    rules: Mapping[str, str]
    """Metric to the version of the rules that it scores by, where it has one."""
    seconds: float
    layers: Sequence[LayerScore] = ()
    """Of a sweep of layers: a row for each language, hidden state, pooling and metric."""

    def to_json(self) -> dict[str, Any]:
        """As it lies in a record."""
        values = dict(vars(self))
        layers = [row._asdict() for row in values.pop("layers")]
        return {**values, "layers": layers} if layers else values

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> EvaluationResult:
        """From a record."""
        layers = [LayerScore(**row) for row in values.get("layers", ())]
        return cls(**{**values, "layers": layers})


Result = TrainResult | EvaluationResult


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where and with what a phase was made; decides nothing."""

    versions: Mapping[str, str]
    """Library to version."""
    python: str
    host: str
    device: str
    """Name of the GPU, or the machine's architecture."""
    threads: int
    """Of torch, in each worker."""
    workers: int
    started: str
    """ISO 8601, UTC."""
    ended: str
    """ISO 8601, UTC."""
    seconds: float
    """Of the attempt that finished the phase."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One finished phase."""

    id: str
    payload: Mapping[str, Any]
    """What was hashed to make the id."""
    spec_json: Mapping[str, Any]
    """What was asked for, as it lies in the file."""
    parent: str | None
    """Id of the phase it starts from, if it starts from one."""
    result: Result
    provenance: Provenance

    @cached_property
    def spec(self) -> PhaseSpec:
        """What was asked for; ValueError where it is none (checked when asked for)."""
        return PhaseSpec.model_validate(self.spec_json)

    @property
    def trained(self) -> TrainResult:
        """The result of a training; TypeError where the phase is none."""
        if not isinstance(self.result, TrainResult):
            raise TypeError(f"phase {self.id} is an evaluation; it has no training's result")
        return self.result

    @property
    def evaluated(self) -> EvaluationResult:
        """The result of an evaluation; TypeError where the phase is none."""
        if not isinstance(self.result, EvaluationResult):
            raise TypeError(f"phase {self.id} is a training; it has no evaluation's result")
        return self.result

    def to_json(self) -> dict[str, Any]:
        """As it lies in its file."""
        return {
            "format": 1,
            "id": self.id,
            "payload": self.payload,
            "spec": self.spec_json,
            "parent": self.parent,
            "result": self.result.to_json(),
            "provenance": vars(self.provenance),
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Record:
        """From its file; KeyError, TypeError or ValueError where a part is missing or strange."""
        trains = values["spec"]["action"] == "train"
        result = values["result"]
        return cls(
            id=values["id"],
            payload=values["payload"],
            spec_json=values["spec"],
            parent=values["parent"],
            result=TrainResult.of_json(result) if trains else EvaluationResult.of_json(result),
            provenance=Provenance(**values["provenance"]),
        )

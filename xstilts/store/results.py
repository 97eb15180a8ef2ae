"""The record of a finished phase, and the results in it.

A record is one JSON file; these are its values, read by attribute. It names all files of its phase
with size and hash, and carries a digest of itself (`phases.py` writes and checks it). So reading
need not check every number: a record whose digest is right was written by `to_json` below.

Scores are percentages (0 to 100), times are seconds, losses are means over loss items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from xstilts.spec.phase import PhaseSpec
from xstilts.store import sums
from xstilts.store.sums import FileSum, FileSums

FORMAT = 2
"""Of records; 1 had no checksums."""
CHECKPOINT = "model"
"""Folder of a phase's checkpoint, in the phase's own."""

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
    """For a mixture: task to its primary metric, percent."""

    def to_json(self) -> dict[str, Any]:
        """As it is written in a record."""
        values = self._asdict()
        if self.dev_by_task is None:
            del values["dev_by_task"]
        return values


@dataclass(frozen=True, kw_only=True)
class DevScore:
    """Development score of the weights that were kept."""

    value: float
    """Percent; for a mixture, the mean of the deciding members' primary metrics."""
    metric: str
    """The primary metric, or `mean` where members have several."""
    step: int
    """The update after which the weights were kept."""
    metrics: Mapping[str, Metrics]
    """Task to all its metrics."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """Result of a training."""

    dev: DevScore | None
    """None where no member has development rows."""
    steps: int
    """Updates done."""
    stopped: str
    """`finished`, or `patience` if the development score stopped rising."""
    tokens: int
    """Tokens of real text, over all updates."""
    examples: int
    """Rows, each counted as often as the training used it."""
    seconds: float
    """Over all attempts."""
    loss: float
    """At the last point of the curve."""
    curve: Sequence[CurvePoint]
    """At most 200 points, in the order of their steps."""
    halvings: int = 0
    """How often micro-batches were halved because memory was short. The batches are the same, and
    so are the numbers up to floating-point noise, but for which units dropout leaves out.
    """
    transformed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Task to the numbers of its transform: rows, and dropped rows by reason."""

    def to_json(self) -> dict[str, Any]:
        """As it is written in a record."""
        values = {**vars(self), "dev": vars(self.dev) if self.dev else None}
        values["curve"] = [point.to_json() for point in self.curve]
        if not self.transformed:
            del values["transformed"]
        if not self.halvings:
            del values["halvings"]
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
    """The score of one hidden state and pooling, for a task that sweeps over them."""

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
    """Result of an evaluation."""

    scores: Mapping[str, Metrics]
    """Language to its metrics."""
    mean: Metrics
    """Metric to its plain mean over the languages."""
    n: Mapping[str, int]
    """Language to the number of its examples."""
    rules: Mapping[str, str]
    """Metric to the version of its scoring rules, where it has one."""
    seconds: float
    layers: Sequence[LayerScore] = ()
    """For a sweep of layers: a row for each language, hidden state, pooling and metric."""

    def to_json(self) -> dict[str, Any]:
        """As it is written in a record."""
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
    """Where and with which versions a phase was run; affects no result."""

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
    """The value whose hash is the id."""
    spec_json: Mapping[str, Any]
    """The spec, as it is written in the file."""
    parent: str | None
    """Id of the phase that it starts from, if any."""
    result: Result
    provenance: Provenance
    files: FileSums
    """Every other file of the phase, by its name in the phase's folder."""
    started_from: str
    """Seal of the checkpoint that it started from or scored; empty for a base model."""

    @cached_property
    def spec(self) -> PhaseSpec:
        """The spec, parsed at the first access; ValueError where it is not a spec."""
        return PhaseSpec.model_validate(self.spec_json)

    @property
    def checkpoint_seal(self) -> str:
        """One hash of the checkpoint's files; what is trained from it names it too."""
        return sums.seal(sums.below(CHECKPOINT, self.files))

    @property
    def trained(self) -> TrainResult:
        """The result of a training; TypeError where the phase is an evaluation."""
        if not isinstance(self.result, TrainResult):
            raise TypeError(f"phase {self.id} is an evaluation; it has no training's result")
        return self.result

    @property
    def evaluated(self) -> EvaluationResult:
        """The result of an evaluation; TypeError where the phase is a training."""
        if not isinstance(self.result, EvaluationResult):
            raise TypeError(f"phase {self.id} is a training; it has no evaluation's result")
        return self.result

    def to_json(self) -> dict[str, Any]:
        """As it is written in its file."""
        return {
            "format": FORMAT,
            "id": self.id,
            "payload": self.payload,
            "spec": self.spec_json,
            "parent": self.parent,
            "result": self.result.to_json(),
            "provenance": vars(self.provenance),
            "files": {name: one._asdict() for name, one in self.files.items()},
            "started_from": self.started_from,
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Record:
        """From its file; KeyError, TypeError or ValueError where a part is missing or wrong."""
        trains = values["spec"]["action"] == "train"
        result = values["result"]
        return cls(
            id=values["id"],
            payload=values["payload"],
            spec_json=values["spec"],
            parent=values["parent"],
            result=TrainResult.of_json(result) if trains else EvaluationResult.of_json(result),
            provenance=Provenance(**values["provenance"]),
            files={name: FileSum(**one) for name, one in values["files"].items()},
            started_from=values["started_from"],
        )

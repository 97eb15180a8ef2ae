"""The values of an estimate: the work of some phases, and the cost of a whole plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.spec.gpus import GPUS
from xstilts.spec.stages import PhaseKind

UPDATE_BYTES = 50
"""Bytes moved for each parameter by an update in fp32: AdamW reads weight, gradient and two moments
and writes three of them (28), the norm is computed and the gradient scaled (12), the gradient is
written and the weight cast (10).
"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of some phases."""

    examples: float = 0
    """Training examples: rows, or windows for span QA."""
    evaluated: float = 0
    """Evaluated rows: development rows in trainings, test rows in evaluations."""
    tokens: float = 0
    """Tokens of both."""
    hours: float = 0
    """GPU hours; 0 if the model is unknown."""

    def __add__(self, other: Work) -> Work:
        return Work(
            examples=self.examples + other.examples,
            evaluated=self.evaluated + other.evaluated,
            tokens=self.tokens + other.tokens,
            hours=self.hours + other.hours,
        )

    def times(self, count: float) -> Work:
        """This work `count` times."""
        return Work(
            examples=self.examples * count,
            evaluated=self.evaluated * count,
            tokens=self.tokens * count,
            hours=self.hours * count,
        )

    def positive(self) -> Work:
        """The same with negative numbers set to 0."""
        return Work(
            examples=max(0, self.examples),
            evaluated=max(0, self.evaluated),
            tokens=max(0, self.tokens),
            hours=max(0, self.hours),
        )

    def to_json(self) -> dict[str, float]:
        """Rounded, for `--json`."""
        counts = {
            "examples": round(self.examples),
            "evaluated": round(self.evaluated),
            "tokens": round(self.tokens),
        }
        return {**counts, "gpu_hours": float(f"{self.hours:.4g}")}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate of a whole plan."""

    gpu: str
    utilisation: float
    by_kind: Mapping[PhaseKind, Work]
    """The work of distinct phases, including their development evaluations."""
    phases: Mapping[PhaseKind, int]
    saved: Work
    """What sharing saves: trainings that run again if every pair trains its own intermediate."""
    unknown: list[str] = field(default_factory=list)
    """What is left out because its size is unknown."""

    @property
    def total(self) -> Work:
        """All phases together."""
        return sum(self.by_kind.values(), Work())

    @property
    def assumptions(self) -> str:
        """The assumptions behind the hours, in one line."""
        gpu = GPUS[self.gpu]
        peak = (
            f"{gpu.bf16:g} TFLOPS bf16"
            if gpu.bf16
            else f"{gpu.fp32:g} TFLOPS fp32, since it has no bf16"
        )
        return (
            f"{self.gpu} at {self.utilisation:.0%} of {peak}; 6 operations per parameter and "
            "token to train, 2 to "
            f"evaluate, and attention; {UPDATE_BYTES} bytes a parameter and update through "
            "memory; row lengths are "
            "estimates; padding is left out; searches count with their largest values"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "gpu": self.gpu,
            "utilisation": self.utilisation,
            "by_kind": {
                kind: {"phases": self.phases[kind], **work.to_json()}
                for kind, work in self.by_kind.items()
            },
            "total": self.total.to_json(),
            "saved_by_sharing": self.saved.to_json(),
            "unknown": self.unknown,
            "assumptions": self.assumptions,
        }

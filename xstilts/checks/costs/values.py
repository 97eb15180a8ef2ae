"""What an estimate is made of: the work of some phases, and the cost of a whole plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.spec.gpus import GPUS
from xstilts.spec.stages import PhaseKind

UPDATE_BYTES = 50
"""Moved for each parameter by an update in fp32: AdamW reads weight, gradient and two moments and
writes three of them (28), the norm is taken and the gradient scaled (12), the gradient is written
and the weight cast (10).
"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What some phases do."""

    examples: float = 0
    """Training examples: rows, or windows of span QA."""
    evaluated: float = 0
    """Rows that are evaluated: development rows in trainings, test rows in evaluations."""
    tokens: float = 0
    """Of both."""
    hours: float = 0
    """GPU hours; 0 where the model is unknown."""

    def __add__(self, other: Work) -> Work:
        return Work(
            examples=self.examples + other.examples,
            evaluated=self.evaluated + other.evaluated,
            tokens=self.tokens + other.tokens,
            hours=self.hours + other.hours,
        )

    def times(self, count: float) -> Work:
        """So much work `count` times."""
        return Work(
            examples=self.examples * count,
            evaluated=self.evaluated * count,
            tokens=self.tokens * count,
            hours=self.hours * count,
        )

    def positive(self) -> Work:
        """Nothing below 0."""
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
    """Distinct phases, their development evaluations among them."""
    phases: Mapping[PhaseKind, int]
    saved: Work
    """What sharing saves: trainings that would be run again if every target brought its own."""
    unknown: list[str] = field(default_factory=list)
    """What is left out because nobody knows its size."""

    @property
    def total(self) -> Work:
        """All phases together."""
        return sum(self.by_kind.values(), Work())

    @property
    def assumptions(self) -> str:
        """What the hours rest on, in one line."""
        gpu = GPUS[self.gpu]
        peak = (
            f"{gpu.bf16:g} TFLOPS bf16"
            if gpu.bf16
            else f"{gpu.fp32:g} TFLOPS fp32, for it has no bf16"
        )
        return (
            f"{self.gpu} at {self.utilisation:.0%} of {peak}; 6 operations per parameter and "
            "token to train, 2 to "
            f"evaluate, and attention; {UPDATE_BYTES} bytes a parameter and update through "
            "memory; row lengths are "
            "estimates; padding is left out; searches count at their largest values"
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

"""What a training is run with: hyperparameters, and settings that fix or search them.

`Hyperparameters` are fixed values, part of a phase's identity. `Settings` are what a sweep file
gives for them: each may be left out, fixed, or be a search space (`choice`, `log`, `int`). Both
classes have the same names and bounds, and the bounds are written once. The sweep file, the search,
the command line and MLflow use these names too (`target.lr`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from xstilts.spec.frozen import Frozen


class Choice(Frozen):
    """One of a few values, all of which a grid or a ladder tries."""

    choice: tuple[float | int | str, ...] = Field(min_length=1)


class LogRange(Frozen):
    """A positive number, uniform in its logarithm."""

    log: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> LogRange:
        if not 0 < self.log[0] < self.log[1]:
            raise ValueError("log needs two numbers, 0 < low < high")
        return self


class IntRange(Frozen):
    """A whole number, both ends included."""

    int: tuple[int, int]

    @model_validator(mode="after")
    def _ordered(self) -> IntRange:
        if not self.int[0] < self.int[1]:
            raise ValueError("int needs two whole numbers, low < high")
        return self


Space = Choice | LogRange | IntRange
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
LengthTokens = Annotated[int, Field(ge=8)]
Schedule = Literal["linear", "cosine", "constant", "wsd"]
Precision = Literal["auto", "fp32", "bf16"]


class Hyperparameters(Frozen):
    """What one training is run with. All of it is part of the phase's identity."""

    lr: Positive = 2e-5
    """Peak learning rate of AdamW."""
    steps: Count = 1000
    """Optimizer updates."""
    batch_size: Count = 32
    """Examples in one update, over all workers together."""
    grad_accumulation: Count = 1
    """Micro-batches into which each worker splits its share of an update."""
    schedule: Schedule = "linear"
    """Shape of the learning rate after the warm-up."""
    warmup_ratio: Ratio = 0.1
    """Share of the steps that warm up."""
    weight_decay: NotNegative = 0.01
    """Not applied to biases and LayerNorm."""
    max_grad_norm: Positive = 1.0
    """Gradients are clipped to this norm."""
    max_length_tokens: LengthTokens = 128
    """Longest input in sub-tokens, special tokens included."""
    doc_stride_tokens: Count = 64
    """Overlap of two windows of a long context (span QA)."""
    eval_every_steps: CountOrZero = 0
    """Steps between development evaluations; 0: four evaluations in a training."""
    patience_evals: CountOrZero = 0
    """Stop after this many evaluations without an improvement; 0: never."""
    precision: Precision = "auto"
    """`auto` is bf16 on a GPU that has it, else fp32."""

    @property
    def evaluation_interval_steps(self) -> int:
        """Steps between two development evaluations."""
        return self.eval_every_steps or max(1, -(-self.steps // 4))


Setting = Any  # the value of a field of Hyperparameters, or a Space; see `Settings`


class Settings(Frozen):
    """Hyperparameters as a sweep file gives them: each left out, fixed, or searched."""

    lr: Space | Positive | None = None
    steps: Space | Count | None = None
    batch_size: Space | Count | None = None
    grad_accumulation: Count | None = None
    schedule: Choice | Schedule | None = None
    warmup_ratio: Space | Ratio | None = None
    weight_decay: Space | NotNegative | None = None
    max_grad_norm: Positive | None = None
    max_length_tokens: Choice | LengthTokens | None = None
    doc_stride_tokens: Count | None = None
    eval_every_steps: CountOrZero | None = None
    patience_evals: CountOrZero | None = None
    precision: Precision | None = None

    def given(self) -> dict[str, Setting]:
        """The settings that are not left out."""
        return {
            name: getattr(self, name)
            for name in self.model_fields_set
            if getattr(self, name) is not None
        }

    def over(self, other: Settings) -> Settings:
        """These settings, with those of `other` for what is left out here."""
        return Settings(**{**other.given(), **self.given()})

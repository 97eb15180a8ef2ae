"""Options that only tasks of some formats have.

Each format has its own subclass of `FormatOptions`, in the format's file; a task's options are an
object of its format's class. They are written in another form, the *flat* form: a mapping of all
options of the first nine formats, which were in one class when ids were first made. Phase ids and
cache keys are hashes of that form, and records contain it, so it must not change: a format writes
its own values, and for every other name in `FLAT` the value given there. Reading drops the others
again. A newer option is written only by its own format, so a new format changes no id of the
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self

from pydantic import Field, model_serializer

from xstilts.spec.frozen import Frozen

FLAT: Mapping[str, Any] = MappingProxyType(
    {
        "layer": -1,
        "pooling": "mean",
        "sweep_layers": (),
        "sweep_poolings": (),
        "similarity": "cosine",
        "neighbours": 4,
        "mask_probability": 0.15,
        "max_answer_tokens": 30,
        "max_question_tokens": 64,
        "n_best": 20,
        "no_answer": False,
        "positive_label": None,
        "cut_off": 20,
        "logit_scale": 100.0,
    }
)
"""The options in the flat form, name to default. Never change it: with any other name or value,
every phase in every store would have another id.
"""

Pooling = Literal["mean", "mean_content", "cls", "max"]
"""How a sentence's vector comes from its tokens: the mean over all of them, the mean without
special tokens, the first token, or the maximum.
"""


class HasOptions(Protocol):
    """The part of a task that its options need."""

    @property
    def name(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def options(self) -> FormatOptions: ...


class FormatOptions(Frozen):
    """Options of a format; this base class has none."""

    @model_serializer(mode="plain")
    def flat(self) -> dict[str, Any]:
        """The flat form, which is hashed and stored."""
        return {**FLAT, **{name: getattr(self, name) for name in type(self).model_fields}}

    @classmethod
    def of(cls, task: HasOptions) -> Self:
        """The options of a task, which must be of a format with this class."""
        options = task.options
        assert isinstance(options, cls), f"task {task.name}: {task.format} has no {cls.__name__}"
        return options

    @property
    def vocabulary_share(self) -> float:
        """Share of the tokens at which the head scores the whole vocabulary."""
        return 0.0


class EmbeddingOptions(FormatOptions):
    """Options of formats that compare sentence vectors of a model as it is."""

    layer: int = Field(default=-1, ge=-1)
    """Hidden state to pool; 0 is the embedding output, -1 the last."""
    pooling: Pooling = "mean"
    """How tokens become one vector."""
    sweep_layers: Literal["all"] | tuple[int, ...] = ()
    """Hidden states that are scored beside `layer`, in the same forward pass."""
    sweep_poolings: tuple[Pooling, ...] = ()
    """Poolings that are scored beside `pooling`."""


def stands_at_default(name: str, value: Any) -> bool:
    """Whether `value` is the default of an option in `FLAT`; a list, which JSON makes of a tuple,
    counts as that tuple.
    """
    return name in FLAT and FLAT[name] == (tuple(value) if isinstance(value, list) else value)

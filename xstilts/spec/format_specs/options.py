"""Options: what only the tasks of some formats can set.

Each format has its own class of options, a `FormatOptions` that stands in the format's file, and a
task holds one of its format's class. In writing they have another form, the *flat* one: a mapping
of all the options that the first nine formats had together, in one class, when ids were first made.
Ids of phases and keys of caches are hashes of that form, and records hold it, so it stays as it is:
a format writes its own values, and for every other name in `FLAT` the value that stands there.
Reading drops those again. An option that comes later is written by its own format alone, so a new
format changes no id of the others.
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
"""Name to default of the options in the flat form. Frozen: with another name or value here, every
phase in every store would have another id.
"""

Pooling = Literal["mean", "mean_content", "cls", "max"]
"""A sentence's vector: mean over all tokens, over those that are not special, the first token, or
the maximum.
"""


class HasOptions(Protocol):
    """A task, as far as its options are concerned."""

    @property
    def name(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def options(self) -> FormatOptions: ...


class FormatOptions(Frozen):
    """Options of a format; this one, the base, has none."""

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
    """Whether `value` is what `FLAT` has for an option; a list counts as the tuple that JSON made
    it of.
    """
    return name in FLAT and FLAT[name] == (tuple(value) if isinstance(value, list) else value)

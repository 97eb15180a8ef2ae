"""Settings as a plan needs them: fixed ones, searched ones, and values that replace a space."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from xstilts.spec.hyperparameters import (
    Choice,
    Hyperparameters,
    IntRange,
    LogRange,
    Settings,
    Space,
)

_SIZED = ("steps", "batch_size", "max_length_tokens")
"""Hyperparameters that say how much work a training is."""


def fixed(settings: Settings) -> dict[str, Any]:
    """The settings that are not searched."""
    return {
        k: v for k, v in settings.given().items() if not isinstance(v, Choice | LogRange | IntRange)
    }


def searched(settings: Settings) -> dict[str, Space]:
    """The settings that are searched, in a fixed order."""
    return {
        k: v
        for k, v in sorted(settings.given().items())
        if isinstance(v, Choice | LogRange | IntRange)
    }


def largest(settings: Settings) -> Hyperparameters:
    """The hyperparameters with the most work that settings allow: the largest steps, batch size and
    length of their spaces.
    """
    large = {
        name: int(max(_ends(space))) for name, space in searched(settings).items() if name in _SIZED
    }
    return Hyperparameters(**{**fixed(settings), **large})


def fewest_steps(settings: Settings) -> int:
    """The fewest updates that settings allow."""
    space = searched(settings).get("steps")
    return int(min(_ends(space))) if space else Hyperparameters(**fixed(settings)).steps


def _ends(space: Space) -> list[float]:
    """The values of a space of numbers, or its two ends."""
    values = (
        space.choice
        if isinstance(space, Choice)
        else space.log
        if isinstance(space, LogRange)
        else space.int
    )
    return [float(value) for value in values]


def own_part(params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The part of a suggestion for an intermediate (prefix `intermediate.`) or for the target (no
    prefix).
    """
    if prefix:
        return {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
    return {k: v for k, v in params.items() if "." not in k}


def ladder(space: Space, rungs: int) -> Choice:
    """A few values that replace a space, so that pairs share phases; evenly spaced, both ends
    included.
    """
    if isinstance(space, Choice):
        return space
    places = [i / (rungs - 1) for i in range(rungs)] if rungs > 1 else [0.5]
    if isinstance(space, LogRange):
        low, high = (math.log(x) for x in space.log)
        values = [math.exp(low + (high - low) * place) for place in places]
        return Choice(choice=tuple(float(f"{value:.3g}") for value in values))
    steps = [round(space.int[0] + (space.int[1] - space.int[0]) * place) for place in places]
    return Choice(choice=tuple(dict.fromkeys(steps)))


def points(space: Mapping[str, Space]) -> Iterator[dict[str, Any]]:
    """Every point of a space of choices, the last name changing fastest."""
    choices = [value.choice for value in space.values() if isinstance(value, Choice)]
    if len(choices) != len(space):
        raise ValueError("a grid needs `choice` for everything that is searched")
    for point in itertools.product(*choices):
        yield dict(zip(space, point, strict=True))

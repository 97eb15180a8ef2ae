"""The state that a partial checkpoint keeps beside the weights, and the learning curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xstilts.store.results import CurvePoint

CURVE_POINTS = 200
"""The most points that a record's curve has."""


@dataclass(kw_only=True)
class Progress:
    """What a resumed training must know beside the weights, as plain values."""

    step: int = 0
    seconds: float = 0.0
    """Time spent by earlier attempts."""
    loss_sum: float = 0.0
    """Sum of the losses of all updates since the last point of the curve."""
    loss_updates: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    best_value: float | None = None
    best_step: int = 0
    best_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    evals_without_gain: int = 0
    stopped: str = "finished"


def thinned(curve: list[CurvePoint], keep: int) -> list[CurvePoint]:
    """At most CURVE_POINTS points of a curve: evenly spaced ones, the last one, and that of step
    `keep`.
    """
    if len(curve) <= CURVE_POINTS:
        return curve
    chosen = set(np.linspace(0, len(curve) - 1, CURVE_POINTS - 1).round().astype(int).tolist())
    return [point for number, point in enumerate(curve) if number in chosen or point.step == keep]

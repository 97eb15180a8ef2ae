"""What a gain is, for the report and for MLflow alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Score = TypeVar("Score")
"""A number, an array or a column of a table, in percent."""


def gain(score: Score, baseline: Score) -> Score:
    """Percent points by which a score is above the baseline's, or above a reference's.

    Both must be of the same model, target, seed, language and metric.
    """
    difference: Score = score - baseline  # type: ignore[operator]
    return difference


def gains_by_language(
    scores: Mapping[str, float], baseline: Mapping[str, float]
) -> dict[str, float]:
    """The gain in each language that both have."""
    return {
        language: gain(score, baseline[language])
        for language, score in scores.items()
        if language in baseline
    }

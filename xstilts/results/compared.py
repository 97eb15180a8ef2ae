"""What a comparison of intermediates yields: gains, and what else is made of the same numbers.

`statistics.compare` makes a `Comparison` from the scores and predictions of a sweep; the other
sections of the report read it. Legend as in `bootstrap.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.scoring.metrics import Array

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("language", "mean", "zero_shot", "seen", "unseen")
"""What a row of the gains is about: one language, or the mean over all languages, over the
zero-shot ones, over the zero-shot ones that the base model was pretrained on (seen), or over those
that it was not (unseen).
"""
AVERAGES = ("mean", "zero_shot")
"""Levels at which two intermediates are compared."""
COLUMNS = (
    "sweep",
    "model",
    "intermediate",
    "target",
    "metric",
    "level",
    "language",
    "baseline",
    "score",
    "gain",
    "low",
    "high",
    "se",
    "df",
    "p",
    "p_holm",
    "interval_over",
    "n",
    "seeds",
    "languages",
    "seen",
    "zero_shot",
    "same_data",
)


@dataclass(frozen=True, kw_only=True)
class Means:
    """The mean score over a target's languages, of every intermediate and seed: observed, and under
    resampled test examples.
    """

    labels: tuple[str, ...]
    """Intermediates `I`, with the baseline."""
    seeds: tuple[int, ...]
    observed_IS: Array
    """Percent; NaN where a pair lacks a seed or a language."""
    resampled_BIS: Array
    """Under resampled test examples; NaN also where predictions can't be read."""
    n: int
    """Number of examples in all languages."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """How other test examples would change a target's gains."""

    labels: tuple[str, ...]
    """Intermediates `I`, without the baseline."""
    languages: tuple[str, ...]
    drawn_BIL: np.ndarray[Any, np.dtype[np.float32]]
    """Gain under resampled examples less its mean over the resamples, averaged over the
    pair's seeds; NaN where it is not known. Single precision.
    """
    n: int
    """Number of examples in the language that has the fewest."""


@dataclass(frozen=True, kw_only=True)
class Average:
    """Two intermediates' means over languages, by seed, and their difference under resampled test
    examples.
    """

    row: Mapping[str, Any]
    """As in the gains; `baseline` is the reference's score. The spread over seeds is that of all
    contrasts of the sweep together.
    """
    score_S: Array
    reference_S: Array
    drawn_BS: Array
    """Difference under resampled test examples; NaN where predictions can't be read."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One intermediate against another on one target, paired by seed, language and example."""

    model: str
    target: str
    label: str
    reference: str
    seeds: tuple[int, ...]
    averages: Mapping[str, Average]
    """By level: `mean` and, where there are such languages, `zero_shot`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one pass over all predictions of a sweep yields."""

    gains: pd.DataFrame
    """A row for each pair and quantity; see `COLUMNS`."""
    means: Mapping[tuple[str, str], Means]
    """By model and target, for targets that have a baseline."""
    examples: Mapping[tuple[str, str], Examples]
    """The same targets."""
    contrasts: tuple[Contrast, ...] = ()
    """Of the pairs of intermediates that were asked for, where both have a seed and a language in
    common.
    """

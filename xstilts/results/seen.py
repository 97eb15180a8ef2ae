"""Gains in languages that the base model was pretrained on (seen), and in the others (unseen).

For each pair the gains have both means with their intervals (test examples and seeds drawn again).
Over all targets of an intermediate the question is whether seen and unseen languages differ: the
mean gain over seen and over unseen zero-shot languages, each the unweighted mean over the targets
that have at least two of both, and their difference. (With a single unseen language, its own
peculiarity and the effect of being unseen are the same number.) Here seeds, languages and test
examples are drawn again (`hierarchy.py`), and with one seed there is no p-value. For a model
without a card the pretraining languages are unknown, and there is no section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.bootstrap import holm
from xstilts.results.compared import Examples
from xstilts.results.cube import cube
from xstilts.results.hierarchy import estimate, interval_over
from xstilts.results.statistics import RESAMPLES
from xstilts.spec.seeds import resampling_stream

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("seen", "unseen", "difference")
LEAST = 2
"""Languages of each kind that a target must have to count in the difference."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The section of one model."""

    model: str
    labels: tuple[str, ...]
    """Intermediates."""
    targets: tuple[str, ...]
    """Targets that have seen or unseen zero-shot languages."""
    counts: dict[str, tuple[int, int]]
    """Target to its numbers of seen and unseen zero-shot languages."""
    cells: dict[tuple[str, str], dict[str, dict[str, Any]]]
    """(intermediate, target) to `seen` and `unseen` to row of the gains."""
    overall: dict[str, dict[str, dict[str, Any]]]
    """Intermediate to `seen`, `unseen`, `difference` (unseen less seen): gain, low, high,
    interval_over, p, p_holm, targets.
    """


def seen(
    model: str,
    table: pd.DataFrame,
    gains: pd.DataFrame,
    *,
    examples: Mapping[str, Examples] | None = None,
    resamples: int = RESAMPLES,
) -> Seen | None:
    """The section of one model; None where no zero-shot language is known to be unseen. `examples`
    by target.
    """
    own = gains[(gains["model"] == model) & gains["level"].isin(["seen", "unseen"])]
    if "unseen" not in set(own["level"]):
        return None
    cells: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    counts: dict[str, tuple[int, int]] = {}
    for row in own.to_dict("records"):
        cells.setdefault((row["intermediate"], row["target"]), {})[row["level"]] = row
        before = counts.get(row["target"], (0, 0))
        counts[row["target"]] = (
            (row["languages"], before[1])
            if row["level"] == "seen"
            else (before[0], row["languages"])
        )
    known = table[(table["model"] == model) & table["zero_shot"] & table["seen"].notna()]
    return Seen(
        model=model,
        labels=tuple(dict.fromkeys(own["intermediate"])),
        targets=tuple(dict.fromkeys(own["target"])),
        counts=counts,
        cells=cells,
        overall=_overall(model, known, examples, resamples),
    )


def _overall(
    model: str, known: pd.DataFrame, examples: Mapping[str, Examples] | None, resamples: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Each intermediate, over the targets that have enough languages of both kinds."""
    whole = cube(known, examples)
    seen_in = dict(zip(known["language"], known["seen"], strict=True))
    seen_L = np.array([bool(seen_in[language]) for language in whole.languages], dtype=bool)
    halves = [np.where(mask, whole.gains_QSL, np.nan) for mask in (seen_L, ~seen_L)]
    counts = [(~np.isnan(half)).any(axis=1).sum(axis=1) for half in halves]
    both = np.flatnonzero(np.minimum(*counts) >= LEAST)
    labels = list(dict.fromkeys(whole.pairs[q][0] for q in both))
    if not labels:
        return {}
    own = np.array([[whole.pairs[q][0] == label for q in both] for label in labels], dtype=float)
    mean = own / own.sum(axis=1, keepdims=True)
    none = np.zeros_like(mean)
    weights = np.concatenate(
        [np.hstack(pair) for pair in ((mean, none), (none, mean), (-mean, mean))]
    )
    rng = resampling_stream(model, len(both))
    twice, drawn, n = np.concatenate([both, both]), whole.examples_BQL, whole.n_Q
    found = estimate(
        np.concatenate([half[both] for half in halves]),
        weights,
        rng,
        resamples=resamples,
        n_Q=None if n is None else n[twice],
        examples_BQL=None if drawn is None else drawn[:, twice],
    )
    tested = found.p if whole.seeds > 1 else np.full(len(found.p), np.nan)
    p_holm = np.concatenate([holm(part) for part in np.split(tested, 3)])
    lines: dict[str, dict[str, dict[str, Any]]] = {label: {} for label in labels}
    for c, (name, label) in enumerate((name, label) for name in QUANTITIES for label in labels):
        numbers: dict[str, Any] = {
            **{key: float(getattr(found, key)[c]) for key in ("gain", "low", "high")},
            "interval_over": interval_over(whole.seeds),
            "p": float(tested[c]),
        }
        targets = float(own[labels.index(label)].sum())
        lines[label][name] = {**numbers, "p_holm": float(p_holm[c]), "targets": targets}
    return lines

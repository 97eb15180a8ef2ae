"""What a resumed training must know, and the points that are kept of its curve."""

from __future__ import annotations

from dataclasses import asdict

from xstilts.store.results import CurvePoint
from xstilts.training.progress import CURVE_POINTS, Progress, thinned


def test_curve_is_thinned_and_keeps_the_best_and_the_last() -> None:
    curve = [CurvePoint(step=step, loss=0.0, lr=0.0) for step in range(1, 1001)]
    kept = [point.step for point in thinned(curve, keep=501)]
    assert len(kept) <= CURVE_POINTS and {1, 501, 1000} <= set(kept) and kept == sorted(kept)
    assert thinned(curve[:200], keep=5) == curve[:200]


def test_curve_of_the_longest_length_that_is_kept_is_kept_whole() -> None:
    curve = [CurvePoint(step=step, loss=0.0, lr=0.0) for step in range(CURVE_POINTS)]
    assert thinned(curve, keep=0) == curve
    assert thinned([], keep=0) == []


def test_progress_is_the_same_after_it_was_written_as_plain_values() -> None:
    progress = Progress(step=4, best_value=50.0, best_metrics={"a": {"accuracy": 50.0}})
    assert Progress(**asdict(progress)) == progress

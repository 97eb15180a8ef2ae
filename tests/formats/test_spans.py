from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from xstilts.formats import spans
from xstilts.spec.format_specs.span_qa import SpanQAOptions


def features(*rows: int, tokens: int = 4) -> Any:
    """A window for each row number: two positions before the context, tokens of one character and a
    blank.
    """
    offsets = [place for i in range(tokens) for place in (2 * i, 2 * i + 1)]
    return Dataset.from_dict(
        {
            "row": list(rows),
            "context_start": [2] * len(rows),
            "offsets": [offsets] * len(rows),
        }
    )


def logits(null: float, start: int, end: int, height: float, tokens: int = 4) -> np.ndarray:
    out = np.zeros((tokens + 3, 2), dtype=np.float32)
    out[0] = null / 2
    out[2 + start, 0] = out[2 + end, 1] = height / 2
    return out


def test_answers_gives_characters_and_doubt() -> None:
    found = spans.answers([logits(3.0, 1, 2, 10.0)], features(0), 1, SpanQAOptions())
    assert (found.begin.tolist(), found.end.tolist()) == ([2], [5])
    assert found.no_answer_margin.tolist() == [3.0 - 10.0]


def test_answers_of_several_windows_take_highest_span_and_lowest_null() -> None:
    windows = [logits(8.0, 0, 0, 4.0), logits(1.0, 3, 3, 6.0), logits(5.0, 2, 2, 2.0)]
    found = spans.answers(windows, features(1, 1, 0), 2, SpanQAOptions())
    assert found.begin.tolist() == [4, 6]
    assert found.no_answer_margin.tolist() == [5.0 - 2.0, 1.0 - 6.0]


def test_answers_row_without_a_window_has_none() -> None:
    found = spans.answers([logits(0.0, 0, 0, 1.0)], features(1), 2, SpanQAOptions())
    assert (found.begin.tolist(), found.end.tolist()) == ([0, 0], [0, 1])
    assert found.no_answer_margin[0] == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_answers_of_a_diverged_model_are_finite(value: float) -> None:
    found = spans.answers(
        [np.full((7, 2), value, dtype=np.float32)], features(0), 1, SpanQAOptions()
    )
    assert np.isfinite(found.no_answer_margin).all()
    assert found.end[0] > found.begin[0]


def test_answers_of_nothing_is_nothing() -> None:
    found = spans.answers([], features(), 0, SpanQAOptions())
    assert len(found.begin) == len(found.no_answer_margin) == 0

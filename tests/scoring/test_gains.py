"""What a gain is."""

from __future__ import annotations

import numpy as np

from xstilts.scoring.gains import gain, gains_by_language


def test_gain_is_the_score_less_the_baseline_for_numbers_and_arrays() -> None:
    assert gain(71.5, 70.0) == 1.5
    assert gain(np.array([71.5, 60.0]), np.array([70.0, 61.0])).tolist() == [1.5, -1.0]


def test_gains_by_language_has_only_languages_that_both_have() -> None:
    assert gains_by_language({"en": 80.0, "de": 70.5}, {"de": 70.0, "sw": 60.0}) == {"de": 0.5}


def test_gains_by_language_without_a_baseline_is_empty() -> None:
    assert gains_by_language({"en": 80.0}, {}) == {}

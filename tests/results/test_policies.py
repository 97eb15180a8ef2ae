"""Choosing an intermediate for each target, by development scores and by test scores."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from xstilts.results.policies import on_dev, on_test

NAN = np.nan


def test_on_dev_a_target_takes_its_own_best() -> None:
    usable = np.ones((2, 2), dtype=bool)
    assert_array_equal(on_dev(np.array([[70.0, 71.0], [40.0, 30.0]]), usable), [1, 0])


def test_on_dev_a_target_without_scores_takes_the_best_of_the_others() -> None:
    # above the mean of the three: t0 -1, +0, +1; t1 +4, -2, -2; mean +1.5, -1, -0.5: the first
    dev = np.array([[69.0, 70.0, 71.0], [46.0, 40.0, 40.0], [NAN, NAN, NAN]])
    assert_array_equal(on_dev(dev, np.ones((3, 3), dtype=bool)), [2, 0, 0])


def test_on_dev_nothing_trained_cannot_be_said() -> None:
    assert_array_equal(on_dev(np.full((1, 2), NAN), np.ones((1, 2), dtype=bool)), [-1])


def test_on_dev_what_has_no_test_score_is_not_chosen() -> None:
    assert_array_equal(on_dev(np.array([[70.0, 90.0]]), np.array([[True, False]])), [0])


def test_on_test_the_first_of_a_tie() -> None:
    assert_array_equal(on_test(np.array([[5.0, 7.0, 7.0]]), np.ones((1, 3), dtype=bool)), [1])

"""Weighted sums of gains against numbers by hand, and error rates in simulated worlds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from xstilts.results.hierarchy import estimate, interaction_weights, mean_of_present
from xstilts.scoring.metrics import Array

MANY = 4000


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_mean_of_present_passes_over_what_is_missing() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    assert_allclose(mean_of_present(values, 1), [2.0, np.nan])


def test_estimate_gain_is_the_mean_over_seeds_then_languages() -> None:
    # pair 0: languages (1+3)/2 = 2 and 4 -> 3; pair 1: one language, 10. 0.5 * 3 + 0.5 * 10
    gains = np.array([[[1.0, 4.0], [3.0, 4.0]], [[10.0, np.nan], [10.0, np.nan]]])
    assert estimate(gains, np.array([[0.5, 0.5]]), _rng(), resamples=10).gain[0] == 6.5


def test_estimate_languages_alone_give_the_students_t_interval() -> None:
    x = np.array([1.0, 2.0, 6.0, 7.0])
    found = estimate(x[None, None], np.ones((1, 1)), _rng(), resamples=MANY)
    se = x.std(ddof=1) / 2
    assert found.df[0] == pytest.approx(3)
    assert found.se[0] == pytest.approx(se, rel=0.04)
    assert found.high[0] - 4 == pytest.approx(3.182 * se, rel=0.04)


def test_estimate_seeds_alone_give_the_students_t_interval() -> None:
    x = np.array([1.0, 2.0, 6.0])
    found = estimate(x[None, :, None], np.ones((1, 1)), _rng(), resamples=MANY)
    assert found.df[0] == pytest.approx(2)
    assert found.se[0] == pytest.approx(x.std(ddof=1) / np.sqrt(3), rel=0.04)


def test_estimate_tasks_are_drawn_again_where_asked() -> None:
    # four pairs without any spread inside: what is left is that between the four tasks
    x = np.array([0.0, 2.0, 4.0, 6.0])
    gains = np.broadcast_to(x[:, None, None], (4, 2, 3))
    weights = np.full((1, 4), 0.25)
    assert np.isnan(estimate(gains, weights, _rng(), resamples=50).se[0])
    found = estimate(gains, weights, _rng(), tasks=[[0, 1, 2, 3]], resamples=MANY)
    assert found.se[0] == pytest.approx(x.std(ddof=1) / 2, rel=0.04)
    assert found.df[0] == pytest.approx(3)


def test_estimate_few_languages_of_one_target_bound_the_degrees_of_freedom() -> None:
    # shares of the variance by language: 4 of (1/4)^2 + (1/40)^2, 36 of (1/40)^2; effective number
    # (4 * .063125 + 36 * .000625)^2 / (4 * .063125^2 + 36 * .000625^2) = .075625 / .015953 = 4.740
    gains = np.full((2, 1, 40), np.nan)
    gains[0, 0, :4] = [1.0, 2.0, 3.0, 5.0]
    gains[1, 0] = np.arange(40) % 7
    found = estimate(gains, np.ones((1, 2)), _rng(), resamples=50)
    assert found.df[0] == pytest.approx(3.740, abs=0.002)


def test_estimate_examples_that_languages_share_are_added_and_their_own_are_not_counted_twice() -> (
    None
):
    # Four languages whose gains are the same, so that all spread is that of the examples. Shared
    # examples move the mean by their own standard deviation, 2; those of one language alone are in
    # the spread between languages.
    gains, one = np.full((1, 2, 4), 5.0), np.ones((1, 1))
    shared = np.broadcast_to(_rng().normal(0, 2, (MANY, 1, 1)), (MANY, 1, 4))
    apart = _rng().normal(0, 2, (MANY, 1, 4))
    found = [
        estimate(gains, one, _rng(), examples_BQL=drawn, n_Q=np.array([500.0]), resamples=50)
        for drawn in (shared, apart)
    ]
    assert found[0].se[0] == pytest.approx(2, rel=0.04)
    assert found[0].df[0] == pytest.approx(499)
    assert not found[1].se[0] > 0.2  # sampling error of a difference that is nothing
    sums = estimate(
        gains[:, :, :1],
        one,
        _rng(),
        examples_BQL=apart[:, :, :1],
        n_Q=np.array([500.0]),
        resamples=50,
    )
    assert sums.se[0] == pytest.approx(2, rel=0.04), (
        "one language has no spread that could hold its examples"
    )


def test_estimate_examples_that_are_not_known_leave_nothing_known_of_what_uses_them() -> None:
    gains = np.random.default_rng(0).normal(0, 1, (2, 2, 3))
    drawn = np.zeros((50, 2, 3))
    drawn[:, 1, 2] = np.nan
    found = estimate(
        gains, np.eye(2), _rng(), examples_BQL=drawn, n_Q=np.array([9.0, 9.0]), resamples=50
    )
    assert np.isnan(found.se).tolist() == [False, True]


def test_estimate_no_interaction_on_parallel_test_sets_is_seldom_claimed() -> None:
    # 16 pairs without an interaction, 20 languages that have the same examples; three seeds.
    # Without the examples a third of the tests erred.
    rng, (rows, columns) = _rng(), (np.repeat(range(4), 4), np.tile(range(4), 4))
    weights = interaction_weights(rows < 2, columns < 2, rows, columns)
    assert weights is not None
    wrong = {True: 0, False: 0}
    for _ in range(80):
        gains = (
            rng.normal(0, 1, (16, 1, 20))
            + rng.normal(0, 0.4, (16, 3, 1))
            + rng.normal(0, 0.6, (16, 1, 1))
        )
        drawn = np.broadcast_to(rng.normal(0, 0.6, (100, 16, 1)), (100, 16, 20))
        for told in wrong:
            given = {"examples_BQL": drawn, "n_Q": np.full(16, 1000.0)} if told else {}
            wrong[told] += estimate(gains, weights[None], rng, resamples=200, **given).p[0] < 0.05
    assert wrong[True] <= 9
    assert wrong[False] > 12


def test_estimate_one_seed_and_one_language_know_nothing_of_their_spread() -> None:
    found = estimate(np.full((1, 1, 1), 4.0), np.ones((1, 1)), _rng(), resamples=20)
    assert found.gain[0] == 4
    assert np.isnan([found.low[0], found.high[0], found.p[0]]).all()


def test_interaction_weights_full_grid_is_that_of_the_cell_means() -> None:
    # A = {0}, B = {1, 2}; C = {0, 1}, D = {2}: cells of 2, 1, 4, 2 pairs
    rows, columns = np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)
    weights = interaction_weights(rows == 0, columns < 2, rows, columns)
    assert weights is not None
    cell = {(True, True): 1 / 2, (True, False): -1, (False, True): -1 / 4, (False, False): 1 / 2}
    assert_allclose(
        weights,
        [cell[bool(r == 0), bool(c < 2)] for r, c in zip(rows, columns, strict=True)],
        atol=1e-12,
    )


def test_interaction_weights_missing_pair_lets_no_task_leak() -> None:
    rows, columns = np.repeat([0, 1, 2, 3], 4), np.tile([0, 1, 2, 3], 4)
    kept = np.ones(16, dtype=bool)
    kept[[0, 7, 9]] = False
    rows, columns = rows[kept], columns[kept]
    first, second = rows < 2, columns < 2
    weights = interaction_weights(first, second, rows, columns)
    assert weights is not None
    effects = np.array([5.0, -3.0, 2.0, 7.0])[rows] + np.array([1.0, 4.0, -6.0, 0.0])[columns]
    assert weights @ effects == pytest.approx(0, abs=1e-9)
    assert weights @ (effects + 8.0 * (first - 0.5) * (second - 0.5)) == pytest.approx(8)


def test_interaction_weights_nothing_to_compare_is_none() -> None:
    rows, columns = np.array([0, 0, 1]), np.array([0, 1, 0])
    assert interaction_weights(rows == 0, columns == 0, rows, columns) is None


def _world(rng: np.random.Generator, seeds: int, interaction: float) -> tuple[Array, Array]:
    """Gains of 4 x 4 pairs in 4 to 30 languages and the interaction's weights; a pair is
    missing.
    """
    rows, columns = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    gains = np.full((16, seeds, 30), np.nan)
    for q, (i, t) in enumerate(zip(rows, columns, strict=True)):
        n = (10, 4, 30, 8)[t]
        mean = 3.0 * i - 2.0 * t + interaction * ((i < 2) - 0.5) * ((t < 2) - 0.5)
        between = rng.normal(0, 1, n)[None] + rng.normal(0, 0.5, seeds)[:, None]
        gains[q, :, :n] = mean + between + rng.normal(0, 1, (seeds, n))
    keep = np.arange(16) != 5
    weights = interaction_weights(rows[keep] < 2, columns[keep] < 2, rows[keep], columns[keep])
    assert weights is not None
    return gains[keep], weights[None]


def test_estimate_no_interaction_is_seldom_called_significant() -> None:
    rng = np.random.default_rng(3)
    wrong = np.mean(
        [estimate(*_world(rng, 3, 0.0), rng, resamples=200).p[0] < 0.05 for _ in range(400)]
    )
    assert 0.01 <= wrong <= 0.08  # nominal 0.05; three standard errors of 400 worlds are 0.033


def test_estimate_known_interaction_is_found_and_covered() -> None:
    rng = np.random.default_rng(4)
    found = [estimate(*_world(rng, 3, 4.0), rng, resamples=200) for _ in range(200)]
    assert np.mean([one.p[0] < 0.05 for one in found]) > 0.9
    assert np.mean([one.low[0] <= 4.0 <= one.high[0] for one in found]) >= 0.9

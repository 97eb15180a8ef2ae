"""The statistics against numbers worked out by hand, and their error rates in simulated worlds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from xstilts.results.bootstrap import estimate, holm, quantities, resample, satterthwaite
from xstilts.scoring.metrics import METRICS

ONE = np.ones((1, 1))


def test_holm_textbook_values_match_hand_calculation() -> None:
    # sorted .01 .02 .03 .04: .01*4, .02*3, .03*2, .04*1, then the running maximum
    assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.02])), [0.06, 0.04, 0.06, 0.06])


def test_holm_large_values_stop_at_one_and_never_fall() -> None:
    assert_allclose(holm(np.array([0.5, 0.6, 0.001])), [1.0, 1.0, 0.003])


def test_holm_nan_is_not_counted() -> None:
    assert_array_equal(holm(np.array([np.nan, 0.02, np.nan])), [np.nan, 0.02, np.nan])


def test_holm_nothing_gives_nothing() -> None:
    assert len(holm(np.array([]))) == 0


def test_satterthwaite_equal_variances_match_hand_calculation() -> None:
    # (1 + 1)^2 / (1/2 + 1/100) with three seeds and 101 examples
    df = satterthwaite(np.array([1.0]), np.array([1.0]), 3, np.array([101.0]))
    assert_allclose(df, 4 / 0.51)


def test_satterthwaite_no_variance_between_seeds_leaves_those_of_the_examples() -> None:
    assert_allclose(satterthwaite(np.zeros(1), np.ones(1), 1, np.array([50.0])), 49)


def test_quantities_mean_and_zero_shot_are_unweighted() -> None:
    weights, names = quantities(["en", "de", "sw"], np.array([False, True, True]))
    assert names == [
        ("language", "en"),
        ("language", "de"),
        ("language", "sw"),
        ("mean", ""),
        ("zero_shot", ""),
    ]
    assert_allclose(np.array([60.0, 30.0, 0.0]) @ weights, [60, 30, 0, 30, 15])


def test_quantities_seen_and_unseen_are_parts_of_the_zero_shot_languages() -> None:
    weights, names = quantities(
        ["en", "de", "sw", "xx"], np.array([False, True, True, True]), [True, True, False, None]
    )
    assert [level for level, _ in names[4:]] == ["mean", "zero_shot", "seen", "unseen"]
    assert_allclose((np.array([60.0, 30.0, 3.0, 0.0]) @ weights)[4:], [23.25, 11, 30, 3])


def test_quantities_no_zero_shot_language_has_no_such_mean() -> None:
    assert [level for level, _ in quantities(["en"], np.array([False]))[1]] == ["language", "mean"]


def test_resample_counts_keep_the_number_of_examples() -> None:
    block = np.ones((37, 2))
    (sums,) = resample([block], 50, np.random.default_rng(0))
    assert_array_equal(sums, np.full((50, 2), 37.0))


def test_resample_blocks_share_their_draws() -> None:
    block = np.random.default_rng(1).random((40, 1))
    first, second = resample([block, 2 * block], 30, np.random.default_rng(0))
    assert_allclose(second, 2 * first, rtol=1e-5)


def test_resample_in_chunks_gives_every_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xstilts.results.bootstrap.CHUNK_CELLS", 100)
    (sums,) = resample([np.ones((30, 1))], 11, np.random.default_rng(0))
    assert sums.shape == (11, 1)


def test_resample_spread_matches_the_standard_error_of_a_mean() -> None:
    right = (np.random.default_rng(2).random((400, 1)) < 0.3).astype(float)
    (sums,) = resample([right], 4000, np.random.default_rng(0))
    share = right.mean()
    assert sums.std() / 400 == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.05)


def _one(observed: np.ndarray, resampled: np.ndarray, n: float = 100.0):
    return estimate(observed, resampled, ONE, np.array([n]), np.random.default_rng(0), 0.95)


def test_estimate_seeds_alone_gives_the_students_t_interval() -> None:
    observed = np.array([[1.0], [2.0], [6.0]])
    found = _one(observed, np.repeat(observed[None], 4000, axis=0))
    se = observed.std(ddof=1) / np.sqrt(3)
    assert found.gain[0] == 3
    assert found.se[0] == pytest.approx(se, rel=0.03)
    assert found.df[0] == pytest.approx(2)
    assert found.high[0] - 3 == pytest.approx(4.303 * se, rel=0.03)


def test_estimate_same_predictions_cannot_be_told_apart() -> None:
    found = _one(np.zeros((2, 1)), np.zeros((50, 2, 1)))
    assert (found.gain[0], found.low[0], found.high[0], found.p[0]) == (0, 0, 0, 1)


def test_estimate_few_examples_never_claim_more_than_a_sign_test() -> None:
    found = _one(np.full((1, 1), 100.0), np.full((50, 1, 1), 100.0), n=5)
    assert found.p[0] == 2**-4


def test_estimate_one_example_has_no_p_value() -> None:
    assert np.isnan(_one(np.full((1, 1), 100.0), np.full((50, 1, 1), 100.0), n=1).p[0])


def test_estimate_unreadable_language_empties_what_rests_on_it_alone() -> None:
    rng = np.random.default_rng(0)
    resampled = rng.normal(1, 1, (200, 2, 2))
    resampled[:, :, 1] = np.nan
    weights, _ = quantities(["de", "sw"], np.array([True, True]))
    found = estimate(np.ones((2, 2)), resampled, weights, np.array([50.0, 50, 100, 100]), rng, 0.95)
    assert_array_equal(np.isnan(found.p), [False, True, True, True])
    assert_array_equal(np.isnan(found.low), [False, True, True, True])
    assert_allclose(found.gain, 1)


def _world(
    rng: np.random.Generator, seeds: int, n: int, effect: float, between: float
) -> tuple[float, float, float]:
    """`(p, low, high)` in a world where the true gain of accuracy is `effect` points."""
    difficulty = rng.normal(0, 0.15, n)
    blocks = []
    for gain in (0.0, effect / 100):
        shifts = rng.normal(0, between / 100 / np.sqrt(2), seeds)
        right = rng.random((seeds, n)) < np.clip(0.5 + gain + difficulty + shifts[:, None], 0, 1)
        blocks.append(right.T.astype(float))
    sums = resample(blocks, 200, rng)
    accuracy = METRICS["accuracy"]
    drawn = [
        np.stack([accuracy.value(s[:, [k]], np.full(200, n)) for k in range(seeds)], axis=1)
        for s in sums
    ]
    observed = 100 * (blocks[1].mean(axis=0) - blocks[0].mean(axis=0))
    found = estimate(
        observed[:, None], (drawn[1] - drawn[0])[:, :, None], ONE, np.array([float(n)]), rng, 0.95
    )
    return float(found.p[0]), float(found.low[0]), float(found.high[0])


@pytest.mark.parametrize(("seeds", "between"), [(1, 0.0), (2, 0.0), (3, 2.0), (5, 4.0)])
def test_estimate_no_effect_is_seldom_called_significant(seeds: int, between: float) -> None:
    rng = np.random.default_rng(11 + seeds)
    wrong = np.mean([_world(rng, seeds, 200, 0.0, between)[0] < 0.05 for _ in range(300)])
    assert wrong <= 0.09  # 0.05, and three standard errors of 300 worlds


@pytest.mark.parametrize(("seeds", "between"), [(1, 0.0), (3, 2.0)])
def test_estimate_known_effect_is_covered(seeds: int, between: float) -> None:
    rng = np.random.default_rng(23 + seeds)
    worlds = [_world(rng, seeds, 200, 6.0, between) for _ in range(300)]
    assert np.mean([low <= 6.0 <= high for _, low, high in worlds]) >= 0.91


def test_estimate_large_effect_is_found() -> None:
    rng = np.random.default_rng(5)
    assert np.mean([_world(rng, 3, 400, 15.0, 1.0)[0] < 0.05 for _ in range(40)]) > 0.9

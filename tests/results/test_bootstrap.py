"""The bootstrap, the parts of uncertainty and Holm's correction, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from xstilts.results.bootstrap import holm, parts, quantities, resample, satterthwaite

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
    df = satterthwaite(np.ones(1), np.array([2.0]), np.ones(1), np.array([100.0]))
    assert_allclose(df, 4 / 0.51)


def test_satterthwaite_no_variance_between_seeds_leaves_those_of_the_examples() -> None:
    one = np.ones(1)
    assert_allclose(satterthwaite(0 * one, one, one, np.array([49.0])), 49)


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


def test_parts_tell_seeds_examples_and_their_crossing_apart() -> None:
    # Four seeds; in the resamples each has its own deviation of variance 4 (the crossing), and all
    # share one of variance 9 (the examples).
    rng = np.random.default_rng(0)
    observed = np.array([[1.0], [2.0], [6.0], [7.0]])
    drawn = observed + rng.normal(0, 2, (40000, 4, 1)) + rng.normal(0, 3, (40000, 1, 1))
    found = parts(observed, drawn, ONE, np.array([100.0]))
    assert found.gain[0] == 4
    assert found.between[0] == pytest.approx(observed.var(ddof=1))
    assert found.crossed[0] == pytest.approx(4, rel=0.05)
    assert found.examples[0] == pytest.approx(9, rel=0.05)
    assert (found.seeds[0], found.n[0]) == (4, 100)


def test_parts_sum_is_the_variance_of_the_mean_in_a_crossed_design() -> None:
    # 2,000 worlds of three seeds and 50 examples without an effect of the seeds: what `parts` adds
    # up to must be the variance of the gains themselves, with nothing counted twice.
    rng = np.random.default_rng(1)
    gains, sums = [], []
    for _ in range(2000):
        answers = rng.normal(0, 1, (3, 50)) + rng.normal(0, 0.5, 50)
        counts = rng.multinomial(50, np.full(50, 1 / 50), size=60) / 50
        drawn = (counts @ answers.T)[..., None]
        found = parts(answers.mean(axis=1)[:, None], drawn, ONE, np.array([50.0]))
        gains.append(found.gain[0])
        sums.append(found.between[0] / 3 + found.examples[0])
    assert np.mean(sums) == pytest.approx(np.var(gains), rel=0.1)


def test_parts_of_one_seed_have_all_in_the_examples() -> None:
    drawn = np.random.default_rng(2).normal(0, 3, (20000, 1, 1))
    found = parts(np.ones((1, 1)), drawn, ONE, np.array([100.0]))
    assert found.examples[0] == pytest.approx(9, rel=0.05)
    assert np.isnan([found.between[0], found.crossed[0]]).all()


def test_parts_unreadable_language_empties_what_rests_on_it_alone() -> None:
    resampled = np.random.default_rng(0).normal(1, 1, (200, 2, 2))
    resampled[:, :, 1] = np.nan
    weights, _ = quantities(["de", "sw"], np.array([True, True]))
    found = parts(np.ones((2, 2)), resampled, weights, np.array([50.0, 50, 100, 100]))
    assert_array_equal(np.isnan(found.examples), [False, True, True, True])
    assert_allclose(found.gain, 1)

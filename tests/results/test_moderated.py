"""The moderated spread over seeds against numbers by hand; its error rates in made-up sweeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from tests.benchmarks.significance import World, row
from xstilts.results.bootstrap import Parts
from xstilts.results.moderated import EXAMPLES, SEEDS, Moderated, moderate

ALONE: frozenset[str] = frozenset()


def _pair(
    *, gain: float, between: float = 0.0, seeds: int = 3, crossed: float = 0.0, examples: float = 0
) -> Parts:
    values = {"gain": gain, "between": between, "crossed": crossed, "examples": examples}
    if seeds == 1:
        values |= {"between": np.nan, "crossed": np.nan}
    return Parts(**{k: np.array([v]) for k, v in (values | {"seeds": seeds, "n": 500.0}).items()})


def _all(pairs: Sequence[Parts], shared: Sequence[frozenset[str]] | None = None) -> Moderated:
    return moderate(pairs, [["mean"]] * len(pairs), shared or [ALONE] * len(pairs))


def test_moderate_only_pair_has_about_the_students_t_interval() -> None:
    found = _all([_pair(gain=3, between=7.0, seeds=5)])
    assert found.high[0] - 3 == pytest.approx(stats.t.ppf(0.975, 4) * np.sqrt(7 / 5), rel=0.1)


def test_moderate_interval_ends_where_p_is_five_percent() -> None:
    rng = np.random.default_rng(0)
    pairs = [_pair(gain=0, between=v, crossed=2, examples=0.3) for v in 4 * rng.chisquare(2, 12)]
    found = _all(pairs)
    ends = [
        _pair(gain=end, between=float(one.between[0]), crossed=2, examples=0.3)
        for one, end in zip(pairs, found.high, strict=True)
    ]
    assert_allclose(_all(ends).p, 0.05, rtol=1e-4)
    assert_allclose(found.se * stats.t.ppf(0.975, found.df), found.high)


def test_moderate_many_alike_pairs_give_nearly_the_normal_interval() -> None:
    rng = np.random.default_rng(1)
    found = _all([_pair(gain=1, between=4 * v / 2) for v in rng.chisquare(2, 400)])
    assert np.median(found.high) - 1 == pytest.approx(1.96 * np.sqrt(4 / 3), rel=0.08)


def test_moderate_unlike_pairs_keep_much_of_their_own_spread() -> None:
    rng = np.random.default_rng(2)
    quiet, loud = (
        [_pair(gain=1, between=scale * v / 4, seeds=5) for v in rng.chisquare(4, 30)]
        for scale in (0.25, 25.0)
    )
    width = np.diff([_all(quiet + loud).low, _all(quiet + loud).high], axis=0)[0]
    assert np.median(width[30:]) > 5 * np.median(width[:30])


def test_moderate_pairs_that_share_a_training_say_less() -> None:
    pairs = [_pair(gain=1, between=4.0) for _ in range(6)]
    apart, together = (
        _all(pairs, [frozenset([key]) for key in keys]) for keys in ("abcdef", "aaaaaa")
    )
    assert (together.high > apart.high).all()


def test_moderate_languages_of_a_pair_count_once() -> None:
    one = [_pair(gain=1, between=v) for v in (1.0, 4.0, 9.0)]
    thrice = [Parts.joined([pair] * 3) for pair in one]
    many = moderate(thrice, [["language"] * 3] * 3, [ALONE] * 3)
    assert_allclose(many.high[::3], _all(one).high)


def test_moderate_seeds_that_only_answer_examples_differently_add_no_doubt() -> None:
    # Twelve pairs whose seeds differ as the examples alone would have it: the interval is nearly
    # the normal one of the known variance, where their own spread had a t of 2 degrees of freedom.
    rng = np.random.default_rng(3)
    found = _all([_pair(gain=0, between=6 * v / 2, crossed=6.0) for v in rng.chisquare(2, 12)])
    assert np.median(found.high) == pytest.approx(1.96 * np.sqrt(6 / 3), rel=0.15)


def test_moderate_one_seed_everywhere_is_over_the_examples_and_not_tested() -> None:
    found = _all([_pair(gain=5, seeds=1, examples=4.0), _pair(gain=1, seeds=1, examples=1.0)])
    assert_allclose(found.high - found.gain, stats.t.ppf(0.975, 499) * np.array([2, 1]))
    assert set(found.over) == {EXAMPLES}
    assert np.isnan(found.p).all()


def test_moderate_one_seed_takes_the_spread_of_the_others() -> None:
    others = [_pair(gain=0, between=v, examples=1.0) for v in (8.0, 9.0, 10.0, 11.0)]
    found = _all([*others, _pair(gain=0, seeds=1, examples=1.0)])
    assert found.over[-1] == SEEDS
    assert found.high[-1] > 1.96 * np.sqrt(9 + 1)
    assert 0 < found.p[-1] <= 1


def test_moderate_families_learn_nothing_from_each_other() -> None:
    pairs = [_pair(gain=1, between=4.0), _pair(gain=1, between=400.0)]
    apart = moderate(pairs, [["mean"], ["zero_shot"]], [ALONE] * 2)
    assert_allclose(apart.high, [_all([pair]).high[0] for pair in pairs])


def test_moderate_few_examples_never_claim_more_than_a_sign_test() -> None:
    few = Parts(**{**vars(_pair(gain=100, between=1e-9)), "n": np.array([5.0])})
    one = Parts(**{**vars(_pair(gain=100, between=1e-9)), "n": np.array([1.0])})
    assert _all([few]).p[0] == 2**-4
    assert np.isnan(_all([one]).p[0])


def test_moderate_same_predictions_cannot_be_told_apart() -> None:
    found = _all([_pair(gain=0), _pair(gain=0)])
    assert_allclose([found.low, found.high], 0, atol=1e-6)
    assert_allclose(found.p, 1)


def test_moderate_what_cannot_be_read_is_empty_and_spoils_nothing() -> None:
    found = _all([_pair(gain=1, between=4.0), _pair(gain=1, between=4.0, examples=np.nan)])
    assert np.isnan([found.low[1], found.p[1]]).all()
    assert_allclose(found.high[0], _all([_pair(gain=1, between=4.0)]).high[0])


@pytest.mark.parametrize(
    ("seeds", "spread", "factor"), [(2, 3.0, 1), (3, 0.0, 1), (3, 8.0, 1), (3, 3.0, 3)]
)
def test_moderate_sweeps_without_an_effect_keep_their_promise(
    seeds: int, spread: float, factor: float
) -> None:
    # 60 sweeps: three standard errors of a share of 5% are 8.4 points
    world = World(
        name="even",
        seeds=seeds,
        spread=spread,
        targets_T=np.array([1 / factor, factor]),
        intermediates_I=np.ones(3),
    )
    found = row(world, "small", 60)
    assert max(found["mean star"], found["language star"]) <= 13.4
    assert 90.0 <= found["mean cover"] <= 99.5


def test_moderate_quiet_seeds_buy_power() -> None:
    # 4 points where the seeds do nothing: Student's t on each pair's own seeds finds a tenth
    world = World(
        name="even", seeds=3, spread=0.0, targets_T=np.ones(2), intermediates_I=np.ones(3)
    )
    assert row(world, "small", 60)["mean found"] > 35

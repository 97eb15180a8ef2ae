"""How long phases take: first an estimate, then what was seen."""

from __future__ import annotations

import pytest

from tests.support.sweeps import small
from xstilts.checks.costs.estimates import LEAST_SECONDS
from xstilts.driver.times import Times
from xstilts.planning import make_plan

SLOTS = {slot.key.removeprefix("model/"): slot for slot in make_plan(small()).slots}


def test_times_without_any_phase_are_the_estimates() -> None:
    assert Times(lambda slot: 7.0).seconds(SLOTS["good/t0"]) == 7.0


def test_times_of_phases_that_do_the_same_are_their_mean() -> None:
    times = Times(lambda slot: 7.0)
    times.took(SLOTS["good/t0"], 20.0)
    times.took(SLOTS["good/t1"], 40.0)
    assert times.seconds(SLOTS["good/t2"]) == 30.0


def test_times_of_one_kind_share_a_factor_and_other_kinds_that_of_all() -> None:
    times = Times(lambda slot: 10.0)
    times.took(SLOTS["good/t0"], 30.0)
    assert times.seconds(SLOTS["bad/t0"]) == 30.0
    times.took(SLOTS["none>tags/t0"], 10.0)
    assert times.seconds(SLOTS["bad/t0"]) == 30.0
    assert times.seconds(SLOTS["none>find/eval/s1"]) == pytest.approx(20.0)


def test_times_of_a_target_are_the_same_from_every_start() -> None:
    times = Times(lambda slot: 10.0)
    times.took(SLOTS["none>tags/t0"], 25.0)
    assert times.seconds(SLOTS["good>tags/t0"]) == 25.0


def test_times_tell_news_when_twice_as_many_phases_have_ended() -> None:
    times = Times(lambda slot: 10.0)
    told = []
    for number in range(1, 17):
        times.took(SLOTS["good/t0"], 30.0)
        if times.news():
            told.append(number)
    assert told == [1, 2, 4, 8, 16]


def test_times_of_little_work_are_not_stretched_with_what_a_start_takes() -> None:
    """A pretraining of 1/10 s on a GPU took 40 s here; work of a thousandth of it takes as long as
    a start does.
    """
    work = {"good/t0": 0.1, "none>tags/t0": 0.0001}
    times = Times(lambda slot: work[slot.key.removeprefix("model/")])
    times.took(SLOTS["good/t0"], 40.0)
    assert times.seconds(SLOTS["none>tags/t0"]) == LEAST_SECONDS

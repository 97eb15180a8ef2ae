"""How far a run is."""

from __future__ import annotations

import pytest

from tests.support.sweeps import small
from xstilts.driver import standing
from xstilts.driver.standing import Standing, Step
from xstilts.planning import make_plan
from xstilts.planning.plan import Slot

SLOTS = {slot.key.removeprefix("model/"): slot for slot in make_plan(small()).slots}


def never(slot: Slot) -> float:
    """An estimate that must not be asked for."""
    raise AssertionError(slot)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as a list of one number that a test may set."""
    now = [0.0]
    monkeypatch.setattr(standing.time, "monotonic", lambda: now[0])
    return now


def test_at_without_a_value_keeps_the_last_one() -> None:
    of = Standing()
    of.at("a", Step(1, 10, 40.0, rate="9 tokens/s"))
    of.at("a", Step(2, 10))
    assert of.steps["a"] == Step(2, 10, 40.0, rate="9 tokens/s")


def test_at_tells_what_is_done_before_the_next_step_until_it_is_made() -> None:
    of = Standing()
    of.at("a", Step(0, 10, doing="loading the model"))
    assert of.steps["a"].doing == "loading the model"
    of.at("a", Step(1, 10))
    assert of.steps["a"].doing == ""


def test_scored_keeps_the_best_value_of_each_study() -> None:
    of = Standing()
    for value in (40.0, 60.0, 50.0):
        of.scored("s", value)
    assert of.best == {"s": 60.0}


def test_seconds_left_are_open_slots_times_the_mean_time_of_their_kind(clock: list[float]) -> None:
    of = Standing()
    for slot, seconds in (("a", 10.0), ("b", 20.0)):
        of.begun(slot)
        clock[0] += seconds
        of.done(slot, "target")
    assert of.seconds_left([SLOTS["none>tags/t0"]] * 2, estimate=never) == 2 * 15.0


def test_seconds_left_of_a_kind_of_which_none_is_done_are_the_estimate(clock: list[float]) -> None:
    of = Standing()
    of.begun("a")
    clock[0] += 40.0  # a pretraining, much longer than what follows
    of.done("a", "pretrain")
    assert of.seconds_left([SLOTS["none>tags/t0"]] * 3, estimate=lambda slot: 2.0) == 3 * 2.0


def test_seconds_left_are_unknown_before_the_first_phase_and_after_the_last(
    clock: list[float],
) -> None:
    of = Standing()
    assert of.seconds_left([SLOTS["none>tags/t0"]], estimate=lambda slot: 2.0) is None
    of.begun("a")
    of.done("a", "target")
    assert of.seconds_left([], estimate=never) is None

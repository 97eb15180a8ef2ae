"""Hyperparameters, settings over settings, and search spaces."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from xstilts.spec.hyperparameters import Choice, Hyperparameters, IntRange, LogRange, Settings


@pytest.mark.parametrize("log", [(0, 1), (-1e-3, 1e-3), (1e-3, 1e-3), (1e-3, 1e-5)])
def test_log_range_that_does_not_rise_from_above_zero_is_refused(log: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="0 < low < high"):
        LogRange(log=log)


@pytest.mark.parametrize("ends", [(3, 3), (4, 3)])
def test_int_range_that_does_not_rise_is_refused(ends: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="low < high"):
        IntRange(int=ends)


def test_int_range_may_begin_below_zero() -> None:
    assert IntRange(int=(-1, 3)).int == (-1, 3)


def test_choice_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        Choice(choice=())


def test_settings_over_others_keep_what_they_say_and_take_the_rest() -> None:
    own, other = Settings(lr=1e-4), Settings(lr=1e-5, steps=Choice(choice=(10, 20)))
    assert own.over(other).given() == {"lr": 1e-4, "steps": Choice(choice=(10, 20))}
    assert other.over(own).given() == other.given()


def test_settings_that_are_none_are_not_given() -> None:
    assert Settings(lr=None, steps=5).given() == {"steps": 5}
    assert Settings(lr=None).over(Settings(lr=1e-5)).given() == {"lr": 1e-5}


def test_settings_have_every_hyperparameter_and_no_other() -> None:
    assert list(Settings.model_fields) == list(Hyperparameters.model_fields)


@pytest.mark.parametrize(
    ("values", "interval"),
    [
        ({"steps": 100}, 25),
        ({"steps": 10}, 3),  # a quarter, rounded up
        ({"steps": 1}, 1),
        ({"steps": 100, "eval_every_steps": 40}, 40),
    ],
)
def test_evaluation_interval_is_a_quarter_unless_given(
    values: dict[str, Any], interval: int
) -> None:
    assert Hyperparameters(**values).evaluation_interval_steps == interval

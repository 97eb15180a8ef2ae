"""What is fixed, what is searched, and the values that stand for a space."""

from __future__ import annotations

import pytest

from xstilts.planning import fewest_steps, ladder, largest
from xstilts.planning.spaces import own_part, points, searched
from xstilts.spec.hyperparameters import Choice, IntRange, LogRange, Settings


def test_ladder_of_each_space_keeps_both_ends() -> None:
    assert ladder(LogRange(log=(1e-5, 1e-3)), 3).choice == (1e-5, 1e-4, 1e-3)
    assert ladder(IntRange(int=(1, 9)), 3).choice == (1, 5, 9)
    assert ladder(Choice(choice=(7,)), 3).choice == (7,)


def test_settings_at_their_largest_and_fewest() -> None:
    searched = Settings(
        steps=IntRange(int=(10, 30)),
        batch_size=Choice(choice=(8, 32, 16)),
        lr=LogRange(log=(1e-5, 1)),
    )
    assert (largest(searched).steps, largest(searched).batch_size, fewest_steps(searched)) == (
        30,
        32,
        10,
    )
    assert (fewest_steps(Settings(steps=7)), fewest_steps(Settings())) == (7, 1000)


def test_ladder_of_one_rung_is_the_middle_and_equal_rungs_stand_once() -> None:
    assert ladder(LogRange(log=(1e-5, 1e-3)), 1).choice == (1e-4,)
    assert ladder(IntRange(int=(1, 3)), 5).choice == (1, 2, 3)


def test_searched_settings_come_in_the_order_of_their_names() -> None:
    settings = Settings(steps=Choice(choice=(1, 2)), batch_size=8, lr=LogRange(log=(1e-5, 1e-3)))
    assert list(searched(settings)) == ["lr", "steps"]


def test_own_part_of_a_joint_suggestion_has_no_prefix_and_nobody_elses_settings() -> None:
    params = {"lr": 1, "intermediate.1.lr": 2, "intermediate.2.lr": 3}
    assert own_part(params, "") == {"lr": 1}
    assert own_part(params, "intermediate.2.") == {"lr": 3}


def test_points_are_all_combinations_with_the_last_name_fastest() -> None:
    space = {"lr": Choice(choice=(1, 2)), "steps": Choice(choice=(3, 4))}
    assert [tuple(point.values()) for point in points(space)] == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert list(points({})) == [{}]


def test_points_of_a_range_are_refused() -> None:
    with pytest.raises(ValueError, match="a grid needs `choice`"):
        list(points({"lr": LogRange(log=(1e-5, 1e-3))}))

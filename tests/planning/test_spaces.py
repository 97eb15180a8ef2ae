"""What is fixed, what is searched, and the values that stand for a space."""

from __future__ import annotations

from xstilts.planning import fewest_steps, ladder, largest
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

"""Seeds made of a seed and of words: equal everywhere, apart for each purpose."""

from __future__ import annotations

import pytest

from xstilts.spec.seeds import subseed


def test_subseed_is_the_same_in_every_release() -> None:
    # The first 15 hexadecimal digits of the SHA-256 of `[1,"head","tags"]`.
    assert subseed(1, "head", "tags") == 496968354411984980


@pytest.mark.parametrize("other", [(2, "head", "tags"), (1, "tags", "head"), (1, "headtags")])
def test_subseed_of_another_seed_or_other_words_is_another(other: tuple[int, str]) -> None:
    assert subseed(*other) != subseed(1, "head", "tags")


def test_subseed_tells_numbers_from_words() -> None:
    assert subseed(1, 2) != subseed(1, "2")


def test_subseed_lies_below_two_to_the_sixty() -> None:
    assert all(0 <= subseed(seed, "order") < 2**60 for seed in range(200))

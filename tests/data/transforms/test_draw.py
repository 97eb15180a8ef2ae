"""Draws for a row: the same whatever was drawn before, apart for each row and purpose."""

from __future__ import annotations

from xstilts.data.transforms.draw import stream, uniform


def test_uniform_is_the_same_in_every_release() -> None:
    assert uniform(0, "share", "en", 7) == 0.7787200517728026


def test_uniform_numbers_of_many_rows_are_spread_over_zero_to_one() -> None:
    drawn = [uniform(3, "share", "en", row) for row in range(2000)]
    assert all(0 <= one < 1 for one in drawn)
    assert len(set(drawn)) == 2000
    assert 0.47 < sum(drawn) / 2000 < 0.53  # standard deviation 0.0065


def test_uniform_of_another_seed_purpose_or_row_is_another() -> None:
    names = [(0, "share", 1), (1, "share", 1), (0, "word", 1), (0, "share", 2), (0, "share1")]
    assert len({uniform(*one) for one in names}) == len(names)


def test_stream_of_a_row_does_not_depend_on_what_others_drew() -> None:
    first = [stream(0, "row", row).random() for row in range(3)]
    used = stream(0, "row", 0)
    for _ in range(5):
        used.random()
    assert [stream(0, "row", row).random() for row in range(3)] == first
    assert len(set(first)) == 3

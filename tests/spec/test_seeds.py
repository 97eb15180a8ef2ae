"""The random streams, pinned: each decides results that exist already, so none may change."""

from __future__ import annotations

import pytest

from xstilts.spec.seeds import named_stream, resampling_stream, row_stream, row_uniform, subseed

CHANGED = "a random stream changed: results in stores and reports would no longer be found again"


def test_subseed_gives_the_seeds_that_trainings_were_run_with() -> None:
    found = [subseed(1, "a"), subseed(0, "rows", 3), subseed(-1, "mask", 7)]
    assert found == [144406855958801897, 772136400927543875, 760364605519998632], CHANGED


def test_row_stream_gives_the_draws_that_rows_were_transformed_with() -> None:
    found = [row_stream(0, "row", "en", 5).random(), row_stream(7, "share").random()]
    assert found == [0.1082086618961613, 0.04034562397999164], CHANGED


def test_row_uniform_gives_the_draws_that_rows_were_chosen_with() -> None:
    found = [row_uniform(3, "share", "en", 0), row_uniform(0)]
    assert found == [0.3286855472634703, 0.5162886151263629], CHANGED


def test_named_stream_gives_the_draws_of_the_generator() -> None:
    drawn = named_stream("gen-text", "train", "en").randint(0, 1000, 5)
    assert drawn.tolist() == [757, 330, 92, 497, 231], CHANGED
    assert named_stream("x").random_sample(2).tolist() == [
        0.16493804116018052,
        0.40145602626693955,
    ], CHANGED


def test_resampling_stream_gives_the_draws_of_published_intervals() -> None:
    stream = resampling_stream("mini", 3)
    assert stream.integers(0, 1000, 5).tolist() == [251, 514, 482, 855, 821], CHANGED
    assert stream.random() == 0.20272275615794844, CHANGED
    stream = resampling_stream("xlm-r ß", 1, 2)
    assert stream.integers(0, 1000, 5).tolist() == [823, 5, 75, 153, 242], CHANGED


def test_streams_of_other_words_are_other_streams() -> None:
    assert row_uniform(0, "a", "b") != row_uniform(0, "ab")
    assert named_stream("a").randint(2**31) != named_stream("b").randint(2**31)
    assert resampling_stream("a", 1).random() != resampling_stream("a", 2).random()


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


# -- rows


def test_row_uniform_is_the_same_in_every_release() -> None:
    assert row_uniform(0, "share", "en", 7) == 0.7787200517728026


def test_row_uniform_numbers_of_many_rows_are_spread_over_zero_to_one() -> None:
    drawn = [row_uniform(3, "share", "en", row) for row in range(2000)]
    assert all(0 <= one < 1 for one in drawn)
    assert len(set(drawn)) == 2000
    assert 0.47 < sum(drawn) / 2000 < 0.53  # standard deviation 0.0065


def test_row_uniform_of_another_seed_purpose_or_row_is_another() -> None:
    names = [(0, "share", 1), (1, "share", 1), (0, "word", 1), (0, "share", 2), (0, "share1")]
    assert len({row_uniform(*one) for one in names}) == len(names)


def test_row_stream_does_not_depend_on_what_others_drew() -> None:
    first = [row_stream(0, "row", row).random() for row in range(3)]
    used = row_stream(0, "row", 0)
    for _ in range(5):
        used.random()
    assert [row_stream(0, "row", row).random() for row in range(3)] == first
    assert len(set(first)) == 3


# -- names


def test_named_stream_of_a_name_is_the_same_in_every_release() -> None:
    assert named_stream("gen-tags", "test", "xa").randint(2**31, size=3).tolist() == [
        208784692,
        1640724435,
        912317218,
    ]


def test_named_stream_is_fresh_each_time_it_is_asked_for() -> None:
    first = named_stream("gen-tags", "test", "xa")
    first.random_sample(5)
    again, other = named_stream("gen-tags", "test", "xa"), named_stream("gen-tags", "test", "xa")
    assert again.random_sample(3).tolist() == other.random_sample(3).tolist()


def test_named_stream_of_another_name_is_another() -> None:
    names = [("gen-tags", "test", "xa"), ("gen-tags", "dev", "xa"), ("gen-tags", "test", "xb")]
    assert len({named_stream(*one).randint(2**31) for one in names}) == 3

"""The random streams, pinned: each decides results that exist already, so none may change."""

from __future__ import annotations

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

"""Random streams by name: the same for ever, each for itself."""

from __future__ import annotations

from xstilts.tasks.generator.draw import stream


def test_stream_of_a_name_is_the_same_in_every_release() -> None:
    assert stream("gen-tags", "test", "xa").randint(2**31, size=3).tolist() == [
        208784692,
        1640724435,
        912317218,
    ]


def test_stream_is_fresh_each_time_it_is_asked_for() -> None:
    first = stream("gen-tags", "test", "xa")
    first.random_sample(5)
    again, other = stream("gen-tags", "test", "xa"), stream("gen-tags", "test", "xa")
    assert again.random_sample(3).tolist() == other.random_sample(3).tolist()


def test_stream_of_another_name_is_another() -> None:
    names = [("gen-tags", "test", "xa"), ("gen-tags", "dev", "xa"), ("gen-tags", "test", "xb")]
    assert len({stream(*one).randint(2**31) for one in names}) == 3

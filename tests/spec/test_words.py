"""Names written as one text."""

from __future__ import annotations

from xstilts.spec.words import words


def test_words_of_several_lines_are_one_tuple_in_order() -> None:
    assert words("one two\n    three") == ("one", "two", "three")


def test_words_of_an_empty_text_are_none() -> None:
    assert words(" \n") == ()

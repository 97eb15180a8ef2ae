"""What a card says of rows and lengths."""

from __future__ import annotations

from xstilts.tasks.card import Card, Rows, tokens_of


def test_rows_of_a_range_have_a_typical_number() -> None:
    span = Rows(low=10, high=100, typical=30, by_language={"en": 50})
    assert (span.estimate("en"), span.estimate("de")) == (50, 30)
    assert span.expected("de") == (10, 100)


def test_rows_without_a_typical_number_are_estimated_in_the_middle() -> None:
    assert Rows(low=10, high=100).estimate("de") == 55
    assert Rows(low=7, high=7).estimate("de") == 7


def test_number_from_memory_is_unverified() -> None:
    assert Rows(low=1, high=1, source="memory").unverified
    assert not Rows(low=1, high=1).unverified


def test_tokens_of_a_card_are_those_of_its_characters() -> None:
    assert Card(characters=86, rows={}).tokens == tokens_of(86) == 24

"""Words replaced one by one, and where the places of a text go."""

from __future__ import annotations

import pytest

from xstilts.data.transforms.words import joined, replace, runs


def test_replace_keeps_everything_but_words() -> None:
    assert (
        replace("It's 2 o'clock,  Ann!", runs(), lambda word: f"<{word}>").text
        == "<It>'<s> 2 <o>'<clock>,  <Ann>!"
    )


def test_joined_takes_apostrophes_into_a_word() -> None:
    assert joined().findall("don't 'quote' Ann’s") == ["don't", "quote", "Ann’s"]


def test_word_of_a_script_with_vowel_signs_is_one_word() -> None:
    assert runs().findall("हिन्दी भाषा") == ["हिन्दी", "भाषा"]


# "The big dog, 1990" with each word doubled: "TheThe bigbig dogdog, 1990"
#  0   4   8  11 13                            0      7      14      22
@pytest.mark.parametrize(
    ("span", "carried"),
    [
        ((0, 3), (0, 6)),  # a word
        ((4, 11), (7, 20)),  # two words
        ((5, 7), (7, 13)),  # inside a word: the whole word
        ((5, 10), (7, 20)),  # both edges inside words
        ((13, 17), (22, 26)),  # digits stay
        ((3, 4), (6, 7)),  # the blank between
        ((8, 12), (14, 21)),  # the comma with it
    ],
)
def test_span_is_carried_to_whole_words(span: tuple[int, int], carried: tuple[int, int]) -> None:
    assert replace("The big dog, 1990", runs(), lambda word: word * 2).carried(span) == carried


def test_edge_inside_an_unchanged_word_stays_exact() -> None:
    made = replace("a bigger dog", runs(), lambda word: "cat" if word == "a" else word)
    assert made.text == "cat bigger dog"
    assert made.carried((2, 5)) == (4, 7)  # `big`, two characters on

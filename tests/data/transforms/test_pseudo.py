"""Invented words: one-to-one, never the word itself, of the same shape; rows keep their tags."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.support import transform_worlds as worlds
from xstilts.data.transforms.pseudo import Inventor

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_invented_words_are_one_to_one_and_never_the_word_itself() -> None:
    words = [
        "".join(letters)
        for length in (1, 2, 3)
        for letters in itertools.product(LETTERS, repeat=length)
    ]
    words += [
        "".join(letters)
        for length in (4, 5)
        for letters in itertools.product("aeiqjrstv", repeat=length)
    ]
    words = [word for word in words if not word.endswith("qj") and not word.endswith("qjq")]
    inventor = Inventor(0, 1.0)
    made = [inventor.word(word) for word in words]
    assert len(set(made)) == len(words)
    assert all(new != old for new, old in zip(made, words, strict=True))


def test_invented_words_of_one_pattern_are_all_words_of_it() -> None:
    words = ["".join(letters) for letters in itertools.product("bcd", "ae", "bcd", "ae")]
    spread = {Inventor(0, 1.0).word(word) for word in words}
    assert all(word[0] not in "aeiouy" and word[1] in "aeiouy" for word in spread)
    assert len({word[0] for word in spread}) > 10  # not only of the letters that went in


@pytest.mark.parametrize("word", ["Denver", "NASA", "McDonald", "caféteria", "Xhosa"])
def test_invented_word_keeps_length_capitals_and_vowels(word: str) -> None:
    new = Inventor(3, 1.0).word(word)
    assert [letter.isupper() for letter in new] == [letter.isupper() for letter in word]
    assert [letter.lower() in "aeiouy" for letter in new] == [
        letter.lower() in "aeiouy" for letter in word
    ]


@pytest.mark.parametrize(("word", "length"), [("I", 4), ("of", 4), ("The", 5), ("US", 4)])
def test_short_words_are_filled_up_in_their_capitals(word: str, length: int) -> None:
    new = Inventor(0, 1.0).word(word)
    assert len(new) == length and new[0].isupper() == word[0].isupper()
    assert new[1:].isupper() == (word == "US")


def test_word_without_latin_letters_stays() -> None:
    assert Inventor(0, 1.0).word("Αθήνα") == "Αθήνα"


def test_invented_word_is_the_same_in_other_capitals_and_other_under_another_seed() -> None:
    assert Inventor(0, 1.0).word("WATER").lower() == Inventor(0, 1.0).word("Water").lower()
    assert Inventor(0, 1.0).word("water") != Inventor(1, 1.0).word("water")


def test_share_of_words_is_replaced_everywhere_or_nowhere() -> None:
    words = ["".join(letters) for letters in itertools.product("abcdef", repeat=4)]  # 1296
    first, again = (
        [inventor.word(word) for word in words] for inventor in (Inventor(0, 0.5), Inventor(0, 0.5))
    )
    assert first == again
    changed = sum(new != old for new, old in zip(first, words, strict=True))
    assert 560 < changed < 736  # 648 expected, standard deviation 18


def test_tagging_keeps_a_token_for_each_tag(tmp_path: Path) -> None:
    rows = [{"tokens": ["Ann", "'s", "3rd", "co-op", "."], "tags": ["a", "b", "c", "a", "b"]}]
    (row,) = worlds.made(tmp_path, task := worlds.task(tmp_path, "tagging", rows, {"pseudo": {}}))
    ann, s, third, coop, dot = row["tokens"]
    assert row["tags"] == [0, 1, 2, 0, 1]
    assert (len(ann), s[0], third[0], coop[4], dot) == (5, "'", "3", "-", ".")
    assert ann != "Ann" and third != "3rd" and coop != "co-op"
    # Ann, s, rd, co, op: a run of letters is a word
    assert worlds.facts(tmp_path, task)["counts"] == {"words": 5, "words replaced": 5}

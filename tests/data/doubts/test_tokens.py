"""Tokens that are not words are told; words of any language are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from tests.data.doubts.tables import tagged, task
from xstilts.data.doubts.tokens import doubts
from xstilts.spec.words import words

SENTENCES = [
    list(words("In 1998 he moved to Berlin , then ( briefly ) to St. Gallen .")),
    list(words("It 's John - Paul 's e-mail : a.b@c.org / www.x.org !")),
    list(words("« Oui » , dit-il ; l' État n' a pas répondu ...")),
] * 4
TAGGING = task("tagging", labels=("O", "B-X"))


def told(sentences: list[list[str]], own=TAGGING, tags=()) -> list[str]:
    return list(doubts(tagged(sentences, tags), own))


def test_ordinary_sentences_raise_no_doubt() -> None:
    assert told(SENTENCES) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text("abcdef京都αβ ", min_size=1, max_size=6)
            .map(lambda word: word.replace(" ", ""))
            .filter(bool),
            min_size=1,
        ),
        min_size=5,
    )
)
def test_words_of_letters_raise_no_doubt(sentences: list[list[str]]) -> None:
    assert told(sentences) == []


@pytest.mark.parametrize("mark", ["en:", "sw:", "zh-Hans:", "fr_", "\u2581", "lang=", "#"])
def test_a_mark_before_every_token_is_named(mark: str) -> None:
    (found,) = told([[f"{mark}{word}" for word in s] for s in SENTENCES])
    n = sum(map(len, SENTENCES))
    assert found.startswith(f"{n} of {n} tokens begin with a mark such as `{mark}`")
    assert "strip it" in found


def test_marks_of_several_languages_in_one_file_are_found() -> None:
    marked = [[f"{('en', 'de', 'sw')[i % 3]}:{w}" for w in s] for i, s in enumerate(SENTENCES)]
    (found,) = told(marked)
    assert "begin with a mark such as `" in found


def test_a_few_tokens_without_the_mark_change_nothing() -> None:
    marked = [[f"en:{word}" for word in s] for s in SENTENCES]
    marked[0][0] = marked[3][2] = "plain"
    assert len(told(marked)) == 1


@pytest.mark.parametrize("sign", ["/", "_", "|"])
def test_a_tag_behind_every_token_is_named(sign: str) -> None:
    kinds = ("NN", "VB", "DT")
    marked = [[f"{w}{sign}{kinds[i % 3]}" for i, w in enumerate(s)] for s in SENTENCES]
    (found,) = told(marked)
    assert f"end in a mark such as `{sign}" in found


def test_tokens_that_hold_sentences_are_told() -> None:
    (found,) = told([[" ".join(s)] for s in SENTENCES * 3])
    assert found.startswith("36 of 36 tokens hold three or more words")


def test_rows_of_one_token_are_told() -> None:
    (found,) = told([[f"我们去北京{n}号"] for n in range(30)])
    assert found.startswith("30 of 30 rows are one token")


def test_vietnamese_words_of_two_syllables_are_words() -> None:
    assert told([["đất nước", "ta", "rất", "tươi đẹp", "."] for _ in range(9)]) == []


def test_a_file_without_empty_lines_is_one_long_sentence() -> None:
    (found,) = told([[word for s in SENTENCES * 12 for word in s]])
    assert "its only row is a sentence of" in found
    assert "empty line" in found


def test_tags_that_are_the_tokens_are_told() -> None:
    different = sorted({word for s in SENTENCES for word in s})
    own = task("tagging", labels=tuple(different))
    (found,) = told(SENTENCES, own, [[different.index(w) for w in s] for s in SENTENCES])
    assert "tags are their own tokens" in found

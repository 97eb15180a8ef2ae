"""Where an answer stands: at its start, else at its nearest occurrence, letter for letter."""

from __future__ import annotations

from typing import Any

import pytest

from xstilts.spec.answer_places import first_place, occurrences, place

CONTEXT = "The cat fat ate"


@pytest.mark.parametrize(
    ("text", "start", "span"),
    [
        ("cat", 4, (4, 7)),
        ("cat", 0, (4, 7)),
        ("a", 11, (12, 13)),  # "a" stands at 5, 9 and 12
        ("a", 7, (5, 6)),  # as near to 5 as to 9: the earlier one
        ("a", 10**12, (12, 13)),
        ("a", -1, (5, 6)),
        ("a", None, (5, 6)),
        ("dog", 4, None),
        ("Cat", 4, None),
        ("cat  fat", 4, None),
        (" ", 3, None),
        ("", 3, None),
    ],
)
def test_answer_stands_at_its_start_or_its_nearest_occurrence(
    text: str, start: int | None, span: tuple[int, int] | None
) -> None:
    assert place(CONTEXT, text, start) == span


def test_another_unicode_form_is_another_text() -> None:
    assert place("caf\u00e9", "cafe\u0301", 0) is None


def test_place_is_the_nearest_of_all_occurrences() -> None:
    context = "abc ab a abcab"
    for text in ("a", "ab", "abc", "cab", "x"):
        for start in range(-1, 16):
            begins = occurrences(context, text)
            nearest = min(begins, key=lambda at: abs(at - start), default=None)
            expected = None if nearest is None else (nearest, nearest + len(text))
            assert place(context, text, start) == expected


@pytest.mark.parametrize(
    ("given", "span"),
    [
        ([("dog", 0), ("cat", 4)], (4, 7)),
        ([("", 0), ("fat", None)], (8, 11)),
        ([("dog", 0)], None),
        ([], None),
    ],
)
def test_first_answer_that_stands_somewhere_counts(
    given: list[tuple[str, int | None]], span: tuple[int, int] | None
) -> None:
    answers: dict[str, list[Any]] = {
        "text": [text for text, _ in given],
        "answer_start": [start for _, start in given],
    }
    assert first_place(CONTEXT, answers) == span


def test_occurrences_may_overlap_and_an_empty_part_has_none() -> None:
    assert occurrences("aaa", "aa") == [0, 1]
    assert occurrences("aaa", "") == []

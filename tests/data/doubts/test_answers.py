"""Offsets of answers in another unit are recognised, and right ones never doubted."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st

from tests.data.doubts.tables import answers
from xstilts.data.doubts.answers import doubts

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=30)


def in_bytes(context: str, start: int) -> int:
    return len(context[:start].encode())


def in_utf16(context: str, start: int) -> int:
    return len(context[:start].encode("utf-16-le")) // 2


def from_one(context: str, start: int) -> int:
    return start + 1


def in_words(context: str, start: int) -> int:
    return len(context[:start].split())


COUNTS = {
    "bytes of UTF-8": in_bytes,
    "UTF-16 units": in_utf16,
    "characters from 1": from_one,
    "words": in_words,
}
PLACES = [
    (f"{city} liegt {'ü' * n} und 🙂 am Fluss {river}.", river)
    for n, (city, river) in enumerate(
        [("Köln", "Rhein"), ("Zürich", "Limmat"), ("Wien", "Donau"), ("Łódź", "Łódka")]
    )
] + [("Die Straße führt zum Main.", "Main")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12))
def test_right_offsets_are_never_doubted(parts: list[tuple[str, str, str]]) -> None:
    rows = [(before + text + after, text, len(before)) for before, text, after in parts]
    assert list(doubts(answers(rows), "train")) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abc xyz.", max_size=20), st.text("pqr", min_size=1, max_size=9)),
        min_size=1,
    ),
    st.sampled_from(["bytes of UTF-8", "UTF-16 units"]),
)
def test_offsets_of_plain_ascii_are_right_in_every_unit(
    parts: list[tuple[str, str]], unit: str
) -> None:
    rows = [(b + text, text, COUNTS[unit](b + text, len(b))) for b, text in parts]
    assert list(doubts(answers(rows), "train")) == []


@pytest.mark.parametrize("unit", COUNTS)
def test_each_unit_is_named(unit: str) -> None:
    rows = [(c, text, COUNTS[unit](c, c.index(text))) for c, text in PLACES]
    (told,) = doubts(answers(rows), "train")
    wrong = sum(not context.startswith(text, start) for context, text, start in rows)
    assert wrong >= 4
    assert told.startswith(f"{wrong} of 5 answers do not stand at their answer_start, and {wrong}")
    assert f"counted in {unit}" in told
    assert "must count characters from 0" in told


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(TEXTS, st.text("αβγδ", min_size=2, max_size=6), TEXTS), min_size=4, max_size=12
    ),
    st.sampled_from(["bytes of UTF-8", "UTF-16 units"]),
)
def test_offsets_of_any_text_in_bytes_or_utf16_are_recognised(
    parts: list[tuple[str, str, str]], unit: str
) -> None:
    rows = [(f"{b}{t}{a}", t, COUNTS[unit](f"{b}{t}{a}", len(b))) for b, t, a in parts]
    wrong = [row for row in rows if not row[0].startswith(row[1], row[2])]
    assume(len(wrong) >= 3)
    (told,) = doubts(answers(rows), "train")
    assert f"{len(wrong)} of {len(rows)} answers" in told
    # the same offsets can be right in two units; what is named must explain all of them
    assert f"{len(wrong)} of these do if it is counted in " in told


def test_two_misplaced_answers_of_many_are_not_told() -> None:
    right = [(c, text, c.index(text)) for c, text in PLACES] * 20
    assert list(doubts(answers([*right, *((c, t, 0) for c, t in PLACES[:2])]), "train")) == []


def test_offsets_that_no_unit_explains_are_told_with_their_number() -> None:
    rows = [("a long river runs through here", "river", start) for start in (0, 1, 9, 12, 13)]
    (told,) = doubts(answers(rows), "dev")
    assert told.startswith("5 of 5 answers do not stand at their answer_start: the nearest")


def test_test_rows_say_that_scores_stay_right() -> None:
    rows = [(c, text, in_bytes(c, c.index(text))) for c, text in PLACES]
    (told,) = doubts(answers(rows), "test")
    assert "scores stay right" in told


def test_offsets_that_are_missing_or_minus_one_are_no_doubt() -> None:
    rows = [(c, text, start) for c, text in PLACES for start in (None, -1)]
    assert list(doubts(answers(rows), "test")) == []


def test_training_starts_below_zero_are_told_as_misplaced() -> None:
    right = [(c, text, c.index(text)) for c, text in PLACES]
    (told,) = doubts(answers([*right, *((c, text, -1) for c, text in PLACES)]), "train")
    assert told.startswith("5 of 10 answers do not stand at their answer_start: the nearest")


@pytest.mark.parametrize("start", [0, None])
def test_scored_answers_that_stand_in_no_context_are_told(start: int | None) -> None:
    right = [(c, text, c.index(text)) for c, text in PLACES]
    lost = [("un cafe\u0301 noir", "caf\u00e9", start)] * 3  # one in NFD, the other in NFC
    (told,) = doubts(answers([*right, *lost]), "test")
    assert told.startswith("3 of 8 rows with an answer have none that stands in its context")
    assert list(doubts(answers([*right, *lost[:2]]), "test")) == []
    assert list(doubts(answers([*right, *lost]), "train")) == []  # left out there, and counted

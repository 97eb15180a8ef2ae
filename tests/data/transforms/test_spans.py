"""Marks around an answer, and where an answer stands in a translation."""

from __future__ import annotations

import pytest

from xstilts.data.transforms import spans
from xstilts.data.transforms.spans import Unmarked


def test_marks_are_those_that_the_sentence_does_not_have() -> None:
    assert spans.marked("a cat ran", (2, 5)) == "a [cat] ran"
    assert spans.marked("(a) cat ［ran", (4, 7)) == "(a) <cat> ［ran"
    assert spans.marked("a <cat> [ran]", (3, 6)) == 'a <"cat"> [ran]'
    assert spans.marked('<a> "cat" [ran]', (5, 8)) is None


@pytest.mark.parametrize(
    ("translation", "text", "answer"),
    [
        ("eine [Katze] lief", "eine Katze lief", "Katze"),
        ("eine ［ Katze ］lief", "eine Katze lief", "Katze"),  # another form, and a blank too few
        ("[Katze]", "Katze", "Katze"),
        ("eine[Katze].", "eine Katze.", "Katze"),
    ],
)
def test_unmarked_gives_the_sentence_and_its_answer(
    translation: str, text: str, answer: str
) -> None:
    found = spans.unmarked(translation, "a [cat] ran", "de")
    assert found is not None
    assert (found.text, found.answer) == (text, answer)


def test_unmarked_puts_no_blanks_into_languages_without_them() -> None:
    assert spans.unmarked("一只【猫】跑了", "a [cat] ran", "zh") == Unmarked(
        text="一只猫跑了", span=(2, 3)
    )


@pytest.mark.parametrize(
    "translation", ["eine Katze lief", "eine [Katze lief", "[eine] [Katze]", "eine ]Katze[", "[ ]"]
)
def test_unmarked_without_one_pair_of_marks_is_none(translation: str) -> None:
    assert spans.unmarked(translation, "a [cat] ran", "de") is None


TEXT = "Rom fiel. Wer sah Rom? Romane."
#       0                 18   23


@pytest.mark.parametrize(
    ("answer", "share", "place"),
    [
        ("Rom", 0.0, (0, 3)),
        ("Rom", 0.5, (18, 21)),
        ("Rom", 1.0, (18, 21)),  # `Romane` at 23 is another word
        (" rom ", 0.6, (18, 21)),  # other capitals, blanks around it
        ("Athen", 0.5, None),
        ("", 0.5, None),
    ],
)
def test_found_is_the_place_most_like_the_old_one(
    answer: str, share: float, place: tuple[int, int] | None
) -> None:
    assert spans.found(TEXT, answer, share, "de") == place


def test_found_inside_a_run_of_letters_counts_where_there_are_no_blanks() -> None:
    assert spans.found("一只猫跑了", "猫", 0.5, "zh") == (2, 3)
    assert spans.found("Romane", "Rom", 0.0, "de") is None


def test_found_takes_the_same_capitals_before_others() -> None:
    assert spans.found("rom und Rom", "Rom", 0.0, "de") == (8, 11)


def test_found_gives_up_on_capitals_where_small_letters_have_another_length() -> None:
    # The small form of `İ` is two characters, so places in the lowered text are not those in it.
    assert spans.found("İ rom", "Rom", 0.0, "tr") is None

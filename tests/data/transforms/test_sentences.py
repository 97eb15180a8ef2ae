"""Texts in sentences, and together again."""

from __future__ import annotations

import pytest

from xstilts.data.transforms.sentences import blankless, rejoined, spans, unspaced


def test_sentences_leave_blanks_out_and_end_at_new_lines() -> None:
    text = " Dr. Who ran.  He fell\nhe rose."
    assert [text[begin:end] for begin, end in spans(text)] == [
        "Dr. Who ran.",
        "He fell",
        "he rose.",
    ]


def test_sentence_does_not_end_inside_a_kept_span() -> None:
    text = "A Yahoo! Inc. It fell. So."
    assert [text[begin:end] for begin, end in spans(text, [(2, 13)])] == [
        "A Yahoo! Inc. It fell.",
        "So.",
    ]


def test_rejoined_keeps_gaps_but_not_blanks_of_languages_without_them() -> None:
    text = "One.  Two.\nThree. "
    new = ["1。", "2。", "3。"]
    assert rejoined(text, spans(text), new, "de") == ("1。  2。\n3。 ", [0, 4, 7])
    assert rejoined(text, spans(text), new, "zh") == ("1。2。\n3。 ", [0, 2, 5])


@pytest.mark.parametrize(
    ("language", "has_blanks", "has_words"),
    [
        ("zh-Hant", False, False),
        ("zho_Hans", False, False),
        ("yue", False, False),
        ("ja", False, False),
        ("ja-Latn", True, True),
        ("zh-Latn", True, True),
        ("th", True, False),
        ("tha_Thai", True, False),
        ("ko", True, True),
        ("en", True, True),
        ("x-mine", True, True),
        ("xa", True, True),
    ],
)
def test_spaces_go_by_script(language: str, has_blanks: bool, has_words: bool) -> None:
    assert (not blankless(language), not unspaced(language)) == (has_blanks, has_words)

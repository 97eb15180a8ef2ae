"""Texts of a row in the order of its roles, and answers that stay where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import transform_worlds as worlds
from xstilts.data.transforms.rows import reworded, texts, with_texts
from xstilts.data.transforms.words import replace, runs


def test_copa_codes_stay(tmp_path: Path) -> None:
    rows = [
        {"context": "It fell.", "question": "cause", "choices": ["I hit it.", "I ran."], "label": 0}
    ]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "multiple_choice", rows, {"pseudo": {}}))
    assert row["question"] == "cause"
    assert row["context"] != "It fell." and row["choices"][0] != "I hit it."


# -- texts of a row

CHOICES = {
    "context": "It fell.",
    "question": "why?",
    "choices": ["I hit it.", "I ran."],
    "label": 1,
}


def test_texts_are_those_of_the_roles_in_order() -> None:
    assert texts(CHOICES, "multiple_choice") == ["It fell.", "why?", "I hit it.", "I ran."]
    copa = {**CHOICES, "question": "effect"}
    assert texts(copa, "multiple_choice") == ["It fell.", "I hit it.", "I ran."]
    assert texts({"text": "a", "label": 0}, "classification") == ["a"]


@pytest.mark.parametrize("question", ["why?", "cause"])
def test_with_texts_puts_the_texts_back_and_leaves_the_row_as_it_was(question: str) -> None:
    row = {**CHOICES, "question": question}
    before = dict(row)
    new = [text.upper() for text in texts(row, "multiple_choice")]
    made = with_texts(row, "multiple_choice", new)
    assert texts(made, "multiple_choice") == new
    assert (made["label"], made["question"] == "cause") == (1, question == "cause")
    assert row == before


# -- answers


def test_answer_that_stood_nowhere_is_left_as_it_is() -> None:
    row = {
        "question": "who?",
        "context": "the cat",
        "answers": {"text": ["cat", "dog"], "answer_start": [4, 2]},
    }
    made = reworded(row, "span_qa", lambda text: replace(text, runs(), lambda word: word * 2))
    assert made["context"] == "thethe catcat"
    assert made["answers"] == {"text": ["catcat", "dog"], "answer_start": [7, 2]}

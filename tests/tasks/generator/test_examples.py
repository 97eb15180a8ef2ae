"""Rows of the generated tasks: parallel over the languages, answers in place, no short cut to the
labels."""

from __future__ import annotations

from collections import Counter

import pytest

from xstilts.tasks import generator
from xstilts.tasks.generator import examples, lexicon


def test_test_rows_are_parallel_over_the_languages() -> None:
    labels = [generator.rows("gen-fits", "test", code)["label"] for code in generator.languages()]
    assert all(one == labels[0] for one in labels)
    english = [
        generator.rows("gen-parallel", "test", code)["target_sentence"]
        for code in generator.languages()
    ]
    assert all(one == english[0] for one in english)
    assert len(set(english[0])) == len(english[0])


@pytest.mark.parametrize("code", lexicon.LANGUAGES)
def test_answer_stands_in_its_context_where_it_says(code: str) -> None:
    rows = generator.rows("gen-reading", "test", code)
    for context, answers in zip(rows["context"], rows["answers"], strict=True):
        text, start = answers["text"][0], answers["answer_start"][0]
        assert context[start : start + len(text)] == text
        assert start == 0 or context[start - 1] == " "


def test_fits_labels_cannot_be_read_off_the_answer_alone() -> None:
    rows = generator.rows("gen-fits", "dev", "xa")
    pairs = Counter(
        (pair.split()[0], label)
        for pair, label in zip(rows["text_pair"], rows["label"], strict=True)
    )
    for marker in {marker for marker, _ in pairs}:
        yes, no = pairs[marker, "yes"], pairs[marker, "no"]
        assert 0.3 < yes / (yes + no) < 0.7


def test_cipher_gives_a_borrowed_word_another_class_in_another_language() -> None:
    tables = [examples._code(code) for code in ("xa", "xb")]
    agree = sum(tables[0][concept] == tables[1][concept] for concept in tables[0])
    assert agree / len(tables[0]) < 0.3

"""Rows of the generated tasks: parallel over the languages, answers in place, no short cut to the
labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from xstilts.errors import DataError
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


LONE = {
    "gen-tags": "tokens",
    "gen-cipher": "tokens",
    "gen-fits": "text",
    "gen-parallel": "source_sentence",
    "gen-who": "context",
    "gen-reading": "context",
    "gen-choice": "context",
    "gen-text": "text",
    "gen-more": "text",
}
"""Task to the role that is looked for in training rows (`lone_roles` of its format)."""


def texts(name: str, use: str, code: str) -> Iterator[str]:
    """The texts that a search for leaks compares, without punctuation."""
    for value in generator.rows(name, use, code)[LONE[name]]:
        words = value if isinstance(value, list) else value.split()
        yield " ".join(word for word in words if word not in lexicon.PUNCTUATION.values())


@cache
def trained() -> frozenset[str]:
    """Every text of every training row of every task in every language."""
    return frozenset(
        text
        for name, sizes in generator.SIZES.items()
        if "train" in sizes
        for code in generator.languages()
        for text in texts(name, "train", code)
    )


@pytest.mark.parametrize("name", generator.SIZES)
def test_no_text_that_is_scored_is_in_the_training_rows_of_any_task(name: str) -> None:
    for use in generator.SIZES[name]:
        if use != "train":
            for code in generator.languages():
                found = [text for text in texts(name, use, code) if text in trained()]
                assert found == [], (use, code)


@pytest.mark.parametrize(("name", "use"), [("gen-tags", "train"), ("gen-parallel", "test")])
def test_size_is_that_of_the_rows(name: str, use: str) -> None:
    rows = generator.rows(name, use, "xb")
    assert {len(values) for values in rows.values()} == {generator.examples.size(name, use, "xb")}
    with pytest.raises(DataError, match="language is 'en'; must be one of xa"):
        generator.size(name, use, "en")

"""Texts that say nothing, and rows of which no score can be made."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.data.doubts.tables import tagged, task
from xstilts.data.doubts.texts import doubts
from xstilts.spec.task import Task, Use

ONE = task("classification", labels=("no", "yes"))
PAIR = task("classification", labels=("no", "yes"), columns={"text": "a", "text_pair": "b"})
NUMBER = task("regression")
WORDS = [f"sentence {i}" for i in range(10)]


def told(columns: dict[str, Any], own: Task, use: Use = "test") -> list[str]:
    return list(doubts(pa.table(columns), own, use))


def test_ordinary_rows_raise_no_doubt() -> None:
    labels = [i % 2 for i in range(10)]
    assert told({"text": WORDS, "label": labels}, ONE) == []
    assert told({"text": WORDS, "text_pair": WORDS[::-1], "label": labels}, PAIR) == []
    assert told({"text": WORDS, "label": [float(i) for i in range(10)]}, NUMBER) == []


@pytest.mark.parametrize("nothing", ["", "  ", "nan", "None", "NULL"])
def test_rows_without_a_text_are_counted(nothing: str) -> None:
    (found,) = told({"text": [*WORDS, nothing, nothing], "label": [0] * 6 + [1] * 6}, ONE)
    assert found.startswith("2 of 12 rows have no text")


def test_blank_lines_of_raw_text_raise_no_doubt() -> None:
    assert told({"text": [*WORDS, "", ""]}, task("masked_lm"), "train") == []


def test_rows_without_tokens_are_counted() -> None:
    own = task("tagging", labels=("O", "B-X"))
    sentences = [[f"a{i}"] for i in range(9)]
    assert list(doubts(tagged(sentences), own, "train")) == []
    (found,) = doubts(tagged([*sentences, []]), own, "train")
    assert found.startswith("1 of 10 rows have no tokens")


def test_a_text_that_all_rows_share_is_told_with_its_column() -> None:
    (found,) = told({"text": ["same"] * 6, "text_pair": WORDS[:6], "label": [0, 1] * 3}, PAIR)
    assert found.startswith("all 6 rows have the same text: is `a` the right column?")


def test_two_roles_with_one_text_are_told() -> None:
    (found,) = told({"text": WORDS, "text_pair": WORDS, "label": [0, 1] * 5}, PAIR)
    assert found.startswith("text and text_pair are equal in 10 of 10 rows")


def test_a_text_that_is_the_label_is_told() -> None:
    (found,) = told({"text": ["no", "yes "] * 5, "label": [0, 1] * 5}, ONE)
    assert found.startswith("the text is the label itself in 10 of 10 rows")


def test_wrong_decoding_is_told_and_right_letters_are_not() -> None:
    right = ["café Ñandú", "SÃO PAULO", "Ð and â €", "naïve — “so”"] * 3
    labels = [0, 1] * 6
    assert told({"text": right, "label": labels}, ONE) == []
    broken = [text.encode().decode("cp1252", "replace") for text in right]
    (found,) = told({"text": broken, "label": labels}, ONE)
    assert "decoded wrongly" in found


def test_one_test_row_is_no_measurement() -> None:
    (found,) = told({"text": ["a"], "label": [1]}, ONE)
    assert found.startswith("has one row")
    assert told({"text": ["a"], "label": [1]}, ONE, "train") == []


def test_a_correlation_needs_different_numbers_and_three_rows() -> None:
    (same,) = told({"text": WORDS, "label": [2.5] * 10}, NUMBER)
    assert same.startswith("all 10 rows have the number 2.5: pearson is always 0")
    (learnt,) = told({"text": WORDS, "label": [2.5] * 10}, NUMBER, "train")
    assert "nothing to learn" in learnt
    (two,) = told({"text": ["a", "b"], "label": [1.0, 2.0]}, NUMBER)
    assert two.startswith("has two rows, whose correlation")


def test_sentences_that_are_their_own_translations_are_told() -> None:
    (found,) = told({"source_sentence": WORDS, "target_sentence": WORDS}, task("retrieval"))
    assert "source_sentence and target_sentence are equal" in found


def test_texts_with_several_labels_are_told() -> None:
    premises = [text for text in WORDS[:4] for _ in range(2)]
    (found,) = told({"text": premises, "label": [0, 1] * 4}, ONE)
    assert found.startswith("8 of 8 rows have a text that also stands with another label")
    assert "columns: {text_pair: ...}" in found
    pairs = {"text": premises, "text_pair": [f"so {i}" for i in range(8)], "label": [0, 1] * 4}
    assert told(pairs, PAIR) == []
    (found,) = told({**pairs, "text_pair": premises[::-1]}, PAIR)
    assert found.endswith("look at the columns of the texts")


def test_few_contradictions_and_repeated_rows_raise_no_doubt() -> None:
    texts = [*WORDS, *WORDS]
    assert told({"text": texts, "label": [*[i % 2 for i in range(10)] * 2]}, ONE) == []
    texts = [f"sentence {i}" for i in range(26)] + WORDS[:6]
    assert told({"text": texts, "label": [0] * 26 + [0, 0, 0, 1, 1, 1]}, ONE) == []


def test_sentences_to_be_found_that_stand_twice_are_told() -> None:
    own = task("retrieval")
    (found,) = told(
        {"source_sentence": [f"satz {i}" for i in range(20)], "target_sentence": WORDS * 2}, own
    )
    assert found.startswith("10 of 20 sentences under target_sentence stand there before")


def test_rows_with_one_id_are_told() -> None:
    own = task("span_qa")
    rows = {"id": ["a", "b"] * 5, "question": WORDS, "context": WORDS[::-1]}
    (found,) = told(rows, own)
    assert found.startswith("8 of 10 rows have an id that stands there before")
    assert told({**rows, "id": WORDS}, own) == []


def test_mining_without_a_pair_and_one_key_for_all_are_told() -> None:
    (found,) = told({"source_sentence": WORDS, "target_sentence": [""] * 10}, task("mining"))
    assert found == "all 10 rows lack a target_sentence: there is no pair to be found"
    rows = {"query": WORDS, "candidate": WORDS[::-1], "key": ["1"] * 10}
    (found,) = told(rows, task("dual_encoder"))
    assert found.startswith("all 10 rows have the same key: is `key` the right column?")
    assert told({**rows, "key": WORDS}, task("dual_encoder")) == []

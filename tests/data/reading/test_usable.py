"""Which rows are left out because nothing can be learned from or scored on them."""

from __future__ import annotations

import pytest

from tests.data.reading.role_tables import good, roles

LABELS = {"labels": ("A", "B")}


def test_sentences_without_a_token_are_left_out() -> None:
    columns = {"tokens": [["a"], [], ["b", "c"]], "tags": [["A"], [], ["B", "A"]]}
    found = roles(columns, "tagging", **LABELS)
    assert good(found)["tags"].to_pylist() == [[0], [1, 0]]
    assert found.left_out == {"sentences without a token": 1}


def test_lines_without_text_are_left_out() -> None:
    found = roles({"text": ["a", "", " \t", "b"]}, "masked_lm", "train")
    assert good(found)["text"].to_pylist() == ["a", "b"]
    assert found.left_out == {"lines without text": 2}


@pytest.mark.parametrize("empty", ["", "a"])
def test_classified_texts_may_be_empty(empty: str) -> None:
    found = roles({"text": [empty, "b"], "label": ["A", "B"]}, "classification", **LABELS)
    assert (good(found).num_rows, found.left_out) == (2, {})


def test_rows_with_a_hidden_label_are_left_out_but_numbers_below_zero_are_not() -> None:
    columns = {"text": ["a", "b", "c"], "label": [-1, 1, 0]}
    found = roles(columns, "classification", **LABELS)
    assert good(found)["text"].to_pylist() == ["b", "c"]
    assert found.left_out == {"rows with a hidden label (-1)": 1}
    found = roles(columns, "regression")
    assert (good(found).num_rows, found.left_out) == (3, {})


def test_rows_that_disagree_are_a_problem_with_their_number() -> None:
    columns = {"tokens": [["a"], ["b", "c"]], "tags": [["A"], ["B"]]}
    found = roles(columns, "tagging", raw={"first": 11}, **LABELS)
    assert found.problems == ["1 rows have more or fewer tags than tokens (first: row 12)"]
    assert found.table is None

"""Which rows are left out because nothing can be learned from or scored on them."""

from __future__ import annotations

import pytest

from tests.data.reading.role_tables import good, roles, task_of
from xstilts.data.reading.usable import NO_CANDIDATE, NO_QUERY, beside

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


def test_rows_of_a_dual_encoder_that_are_only_candidates_are_counted_apart() -> None:
    columns = {
        "query": ["a", "", "b", "c"],
        "candidate": ["x", "y", " ", "z"],
        "key": ["1", "2", "3", "4"],
    }
    table, task = good(roles(columns, "dual_encoder")), task_of("dual_encoder")
    assert table.num_rows == 4, "all of them are read"
    assert beside(table, task, "test") == {NO_QUERY: 1}
    assert beside(table, task, "train") == {NO_QUERY: 1, NO_CANDIDATE: 1}
    texts = good(roles({"text": ["a"], "label": ["A"]}, "classification", **LABELS))
    assert beside(texts, task_of("classification"), "test") == {}

"""Answers: empty ones are none, starts that are not needed may lack, lost ones are counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.data.reading.role_tables import good, questions, raw_of, roles
from xstilts.data.reading import answers

CAT: list[tuple[str | None, int | None]] = [("cat", 4)]
LOST: list[tuple[str | None, int | None]] = [("Cat", 4)]
NO_ANSWER = {"options": {"no_answer": True}}


def read(given: Any) -> list[Any]:
    """A column of answers as it is read."""
    column, problems = answers.column_of(raw_of({"a": given}), "a")
    assert problems == []
    return list(column.to_pylist())


def test_empty_texts_and_nulls_are_no_answers() -> None:
    given = [{"text": ["", "cat", None, " "], "answer_start": [0, 4, 1, 2]}]
    assert read(given) == [{"text": ["cat"], "answer_start": [4]}]


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ([True, False, None], [[], ["cat"], ["cat"]]),
        ([1, 0, 1], [["cat"], ["cat"], ["cat"]]),  # numbers are no truth values
    ],
)
def test_answers_beside_is_impossible_are_only_plausible(
    marked: list[Any], texts: list[list[str]]
) -> None:
    given = {"a": [{"text": ["cat"], "answer_start": [4]}] * 3, "is_impossible": marked}
    column, problems = answers.column_of(raw_of(given), "a")
    assert problems == []
    assert [row["text"] for row in column.to_pylist()] == texts


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({"text": ["cat"], "answer_start": [None]}, None),
        ({"text": ["cat"], "answer_start": []}, None),
        ({"text": ["cat"], "answer_start": None}, None),
        ({"text": ["cat"]}, None),
        ({"text": ["cat"], "answer_start": [1, 2]}, None),
        ({"text": ["cat"], "answer_start": [4.0]}, 4),
        ({"text": ["cat"], "answer_start": ["4"]}, 4),
        ({"text": ["cat"], "answer_start": [-1]}, -1),
    ],
)
def test_start_is_a_number_or_unknown(given: dict[str, Any], start: int | None) -> None:
    assert read([given]) == [{"text": ["cat"], "answer_start": [start]}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["cat"], "column `a` holds string; must be {text: [..], answer_start: [..]}"),
        ([{"texts": ["cat"]}], "must be {text: [..], answer_start: [..]} in every row"),
        ([{"text": ["x"]}, None], "column `a` is empty in 1 rows (first: row 2)"),
        ([{"text": "cat", "answer_start": 4}], "must be {text: [texts], answer_start: [numbers]}"),
        ([{"text": ["a"], "answer_start": ["x"]}], "must be {text: [texts], answer_start:"),
        ([{"text": [["a"]], "answer_start": [1]}], "must be {text: [texts], answer_start:"),
    ],
)
def test_column_of_another_shape_is_a_problem(given: list[Any], message: str) -> None:
    _, (problem,) = answers.column_of(raw_of({"a": given}), "a")
    assert message in problem


def test_test_rows_need_no_start_and_are_scored_wherever_their_answer_stands() -> None:
    found = roles(questions([("cat", None)], LOST, CAT), "span_qa", "test")
    assert good(found)["answers"].to_pylist() == [
        {"text": ["cat"], "answer_start": [-1]},
        {"text": ["Cat"], "answer_start": [4]},
        {"text": ["cat"], "answer_start": [4]},
    ]
    assert found.left_out == {}


def test_training_rows_without_a_start_are_an_error_that_counts_them() -> None:
    given = questions(CAT, [("cat", None)], [("cat", None)])
    (problem,) = roles(given, "span_qa", "train").problems
    assert problem.startswith("2 rows have an answer without a start (`answer_start`)")
    assert problem.endswith("(first: row 2)")
    del given["answers"][1]["answer_start"], given["answers"][2]["answer_start"]
    assert roles(given, "span_qa", "train").problems == [problem]


def test_training_rows_whose_answer_stands_nowhere_are_left_out_and_counted() -> None:
    found = roles(questions(CAT, LOST, CAT, [("cat", 0)]), "span_qa", "train")
    assert good(found)["id"].to_pylist() == ["q0", "q2", "q3"]
    assert found.left_out == {answers.UNPLACED: 1}


def test_up_to_half_of_the_training_rows_may_be_left_out() -> None:
    assert roles(questions(CAT, LOST), "span_qa", "train").left_out == {answers.UNPLACED: 1}
    (problem,) = roles(questions(CAT, LOST, LOST, []), "span_qa", "train").problems
    assert problem.startswith("2 rows of 3 with an answer have none that stands in its context")
    assert problem.endswith("(first: row 2)")
    assert roles(questions(LOST), "span_qa", "train").problems


@pytest.mark.parametrize("use", ["train", "dev", "test"])
def test_questions_without_an_answer_are_left_out_unless_they_may_have_none(use: Any) -> None:
    given = questions(CAT, [], [("", 0)])
    found = roles(given, "span_qa", use)
    assert good(found)["id"].to_pylist() == ["q0"]
    assert found.left_out == {answers.UNANSWERED: 2}
    allowed = roles(given, "span_qa", use, **NO_ANSWER)
    assert (good(allowed).num_rows, allowed.left_out) == (3, {})
    (problem,) = roles(questions([], []), "span_qa", use).problems
    assert problem.startswith("none of the 2 rows has an answer: are they hidden?")


def test_questions_for_a_dual_encoder_are_counted_alike() -> None:
    context = "A cat sat. It slept."
    given = questions([("slept", 14)], [], [("Slept", 14)], [("cat", 2)], context=context)
    found = roles(given, "dual_encoder", "train")
    assert good(found)["candidate"].to_pylist() == ["It slept.", "A cat sat."]
    assert found.left_out == {answers.UNPLACED: 1, answers.UNANSWERED: 1}
    (problem,) = roles(questions([("cat", None)]), "dual_encoder", "test").problems
    assert "have an answer without a start" in problem

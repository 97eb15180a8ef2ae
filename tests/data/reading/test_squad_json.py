"""SQuAD's JSON and LAReQA's: every question is a row, and a key that is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.data.reading.rows_made import TEXT, read_back, rows_or_told
from tests.data.reading.test_json_lines import JSON
from xstilts.errors import DataError

COLUMNS = ("id", "question", "context", "answers", "title")
START = st.integers(-1, 90) | st.none()
ANSWER = st.fixed_dictionaries({"text": TEXT}, optional={"answer_start": START})
QUESTION = st.fixed_dictionaries(
    {"id": TEXT | st.integers(0, 9), "question": TEXT},
    optional={
        "answers": st.lists(ANSWER, max_size=2),
        "is_impossible": st.booleans(),
        "plausible_answers": st.lists(ANSWER, max_size=1),
    },
)
PARAGRAPH = st.fixed_dictionaries({"context": TEXT, "qas": st.lists(QUESTION, max_size=3)})
ARTICLE = st.fixed_dictionaries(
    {"paragraphs": st.lists(PARAGRAPH, max_size=2)}, optional={"title": TEXT}
)


def document(articles: list[Any]) -> bytes:
    """The content of a file."""
    return json.dumps({"version": "v2.0", "data": articles}).encode()


def given_answers(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that count: none for a question that the file says is impossible."""
    return [] if question.get("is_impossible") else question.get("answers", [])


@given(articles=st.lists(ARTICLE, max_size=2))
def test_every_question_is_a_row(articles: list[dict[str, Any]]) -> None:
    raw = read_back(document(articles), "q.json", COLUMNS, "squad_json")
    assert raw.table.to_pylist() == [
        {
            "id": str(question["id"]),
            "question": question["question"],
            "context": paragraph["context"],
            "answers": {
                "text": [one["text"] for one in given_answers(question)],
                "answer_start": [one.get("answer_start") for one in given_answers(question)],
            },
            "title": article.get("title", ""),
        }
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]


@given(data=st.data(), file_format=st.sampled_from(["squad_json", "xquad_r"]))
def test_any_value_in_place_of_a_right_one_is_rows_or_one_line(
    data: st.DataObject, file_format: str
) -> None:
    question = {"id": "i", "question": "w?", "answers": [{"text": "x", "answer_start": 0}]}
    paragraph = {"context": "x y", "qas": [question], "sentence_breaks": [[0, 1]]}
    article = {"title": "t", "paragraphs": [paragraph]}
    one: Any = data.draw(st.sampled_from([article, paragraph, question, question["answers"][0]]))
    one[data.draw(st.sampled_from(sorted(one)))] = data.draw(JSON)
    rows_or_told(document([article]), "q.json", (*COLUMNS, "query", "key"), file_format)


def questions(*qas: Any, **paragraph: Any) -> bytes:
    """A file with one paragraph."""
    return document([{"title": "T", "paragraphs": [{"context": "a b", "qas": qas, **paragraph}]}])


@pytest.mark.parametrize(
    ("qa", "message"),
    [
        ({"question": "w?"}, "paragraph 0, question 0 has no `id`"),
        ({"id": "i", "question": 3}, "question i: `question` is 3; must be a text"),
        ({"id": "i", "question": "\ud800"}, "question i: `question` holds half of a character"),
        (
            {"id": "i", "question": "w?", "answers": {}},
            "question i: `answers` is {}; must be a list",
        ),
        ({"id": "i", "question": "w?", "answers": [{}]}, "question i, answer 0 has no `text`"),
        (
            {"id": "i", "question": "w?", "answers": [{"text": "a", "answer_start": "0"}]},
            "answer 0: `answer_start` is '0'; must be a number",
        ),
        (
            {"id": "i", "question": "w?", "answers": [{"text": "a", "answer_start": 2**70}]},
            "does not fit into 64 bits",
        ),
        (3, "question 0 is 3; must be an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_question(qa: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_back(questions(qa), "q.json", COLUMNS, "squad_json")


def test_json_lines_given_as_squad_say_what_to_leave_out() -> None:
    for content in (b'{"a": 1}\n{"a": 2}\n', b'[{"a": 1}]', b'{"a": 1}'):
        with pytest.raises(DataError, match="need no file_format"):
            read_back(content, "q.json", COLUMNS, "squad_json")


# -- LAReQA


def test_questions_outside_all_sentences_are_counted() -> None:
    qas = [
        {"id": n, "question": "w?", "answers": [{"text": "b", "answer_start": start}]}
        for n, start in enumerate((0, 2))
    ]
    raw = read_back(questions(*qas, sentence_breaks=[[0, 1]]), "q.json", ("key",), "xquad_r")
    assert raw.table["key"].to_pylist() == ["0"]
    assert raw.left_out == {"questions whose answer begins in no sentence": 1}


@pytest.mark.parametrize("breaks", [[[0]], [[0, "1"]], [[True, 1]], [[2, 1]], [[-1, 1]], [3]])
def test_breaks_that_are_no_pairs_are_told(breaks: list[Any]) -> None:
    with pytest.raises(DataError, match=r"`sentence_breaks` has .*; must be pairs of characters"):
        read_back(questions(sentence_breaks=breaks), "q.json", ("key",), "xquad_r")


def test_answer_without_a_place_cannot_be_retrieved() -> None:
    qa = {"id": "i", "question": "w?", "answers": [{"text": "a", "answer_start": None}]}
    with pytest.raises(DataError, match="question i: its answer has no `answer_start`"):
        read_back(questions(qa, sentence_breaks=[[0, 1]]), "q.json", ("key",), "xquad_r")

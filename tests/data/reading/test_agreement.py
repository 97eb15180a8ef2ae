"""What is wrong between columns: answers that stand nowhere, and where an answer stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.check_messages import problems
from tests.data.reading.tagged_files import tagging
from tests.support import worlds
from xstilts.data.reading.agreement import answer_place, misplaced_answers
from xstilts.spec.task import Source, Splits, Task


def answers(*given: tuple[str, int]) -> dict[str, list[Any]]:
    """Answers under SQuAD's two lists."""
    return {"text": [text for text, _ in given], "answer_start": [start for _, start in given]}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (answers(("cat", 4)), 4),
        (answers(("cat", 0)), 4),
        # "a" stands at 5, 9 and 12; 11 lies between 9 and 12.
        (answers(("a", 11)), 12),
        (answers(("a", 100)), 12),
        (answers(("a", -1)), 5),
        (answers(("dog", 0), ("cat", 4)), 4),
        (answers((" ", 3), ("dog", 0)), None),
        (answers(), None),
    ],
)
def test_answer_stands_at_the_nearest_place(given: dict[str, list[Any]], place: int | None) -> None:
    assert answer_place("The cat fat ate", given) == place


def test_place_of_an_answer_is_the_one_that_span_qa_trains_on() -> None:
    from xstilts.formats.span_qa import locate

    context = "abc ab a abcab"
    for text in ("a", "ab", "abc", "cab", "x"):
        for start in range(-1, 16):
            found = locate(context, answers((text, start)))
            assert answer_place(context, answers((text, start))) == (
                None if found is None else found[0]
            )


def test_only_answers_that_stand_nowhere_are_told() -> None:
    import pyarrow as pa

    table = pa.table(
        {
            "context": ["Not I", "Not I", "Not I", "Not I"],
            "answers": [
                answers(("I", 0)),
                answers(),
                answers(("you", 0)),
                answers(("you", 0), ("I", 3)),
            ],
        }
    )
    assert misplaced_answers(table) == [
        "1 rows have answers, but none of them occurs in its context (first: row 2)"
    ]
    assert misplaced_answers(table.slice(0, 2)) == []


def test_tags_that_are_fewer_than_tokens_are_found(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "t.jsonl", [{"tokens": ["a", "b"], "tags": ["DET"]}])
    task = tagging(
        source=Source(files=("t.jsonl",)),
        languages=("de",),
        splits=Splits(train="train", dev="train"),
    )
    assert "1 rows have more or fewer tags than tokens (first: row 0)" in problems(task, tmp_path)


def test_answers_that_stand_nowhere_are_found_and_wrong_starts_are_none(tmp_path: Path) -> None:
    rows = [
        {"question": "who?", "context": "Not I", "answers": {"text": [text], "answer_start": [0]}}
        for text in ("I", "you")
    ]
    task = Task(
        name="q",
        format="span_qa",
        source=Source(files=("q.jsonl",)),
        metric="f1",
        splits=Splits(test="train"),
    )
    worlds.write_jsonl(tmp_path / "q.jsonl", rows[:1])
    assert problems(task, tmp_path, "evaluate") == ""
    worlds.write_jsonl(tmp_path / "q.jsonl", rows)
    found = problems(task, tmp_path, "evaluate")
    assert "1 rows have answers, but none of them occurs in its context (first: row 1)" in found


def test_label_beyond_the_choices_is_found(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "c.jsonl", [{"context": "x", "choices": ["a", "b"], "label": 2}])
    task = Task(
        name="c",
        format="multiple_choice",
        source=Source(files=("c.jsonl",)),
        metric="accuracy",
        splits=Splits(test="train"),
    )
    assert "have a label beyond their choices" in problems(task, tmp_path, "evaluate")

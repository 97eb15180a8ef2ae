"""One column, or several, as a role of fixed type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading.raw import Raw
from xstilts.data.reading.role_readers import READERS
from xstilts.spec.task import Source, Splits, Task


def test_choices_are_gathered_from_columns_and_lists(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "c.jsonl", [{"p": "It rained.", "q": "cause", "a": "x", "b": "y", "l": 1}]
    )
    task = Task(
        name="why",
        format="multiple_choice",
        source=Source(files=("c.jsonl",)),
        metric="accuracy",
        columns={"context": "p", "question": "q", "choices": "a, b", "label": "l"},
        splits=Splits(train="train"),
        labels=("a", "b"),
    )
    (row,) = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert row == {"context": "It rained.", "question": "cause", "choices": ["x", "y"], "label": 1}


def one_role(columns: dict[str, list[Any]], role: str, **changes: Any) -> tuple[Any, list[str]]:
    """A role's values, and what is wrong with them."""
    given = changes.pop("format", "classification")
    task = Task(
        name="t",
        format=given,
        source=Source(files=("r.jsonl",)),
        metric="accuracy",
        labels=("a", "b"),
        columns=changes,
    )
    raw = Raw(table=pa.table(columns), columns=tuple(columns), classes={})
    column, problems = READERS[role](raw, task, role)
    return (None if problems else column.to_pylist()), problems


def test_texts_of_several_columns_are_joined_by_a_blank() -> None:
    columns = {"word": ["bank", "bank"], "sentence": ["He sat.", "It rose."]}
    assert one_role(columns, "text", text="word, sentence") == (
        ["bank He sat.", "bank It rose."],
        [],
    )


def test_text_that_is_a_number_is_written_out() -> None:
    assert one_role({"text": [7, -1]}, "text") == (["7", "-1"], [])


@pytest.mark.parametrize(
    ("columns", "role", "message"),
    [
        ({"text": ["a", None]}, "text", "column `text` is empty in 1 rows (first: row 2)"),
        ({"text": [["a"]]}, "text", "column `text` holds list<item: string>; must be text"),
        ({"choices": ["a, b"]}, "choices", "choices must be a list of texts"),
        ({"tokens": [["a"], None]}, "tokens", "1 rows have no list of texts in column `tokens`"),
        ({"tokens": [["a", None]]}, "tokens", "or one with a null in it (first: row 1)"),
        ({"tags": ["a"]}, "tags", "tags must be a list in every row"),
        ({"answers": ["a"]}, "answers", "must be {text: [..], answer_start: [..]} in every row"),
        (
            {"answers": [{"text": ["a"], "answer_start": ["x"]}]},
            "answers",
            "must be {text: [texts], answer_start: [numbers]}",
        ),
    ],
)
def test_column_that_does_not_fit_its_role_is_a_problem(
    columns: dict[str, list[Any]], role: str, message: str
) -> None:
    _, (problem,) = one_role(columns, role, format="tagging")
    assert message in problem


def test_list_in_a_csv_is_told_to_go_into_json_lines() -> None:
    raw = Raw(table=pa.table({"tokens": ["a b"]}), columns=("tokens",), classes={}, untyped=True)
    task = Task(name="t", format="tagging", source=Source(files=("r.csv",)), metric="chunk_f1")
    _, (problem,) = READERS["tokens"](raw, task, "tokens")
    assert problem.endswith("a CSV cannot hold lists: use JSON lines")


def test_tags_without_a_row_are_an_empty_column() -> None:
    empty = pa.table({"tags": pa.array([], pa.list_(pa.string()))})
    raw = Raw(table=empty, columns=("tags",), classes={})
    task = Task(
        name="t",
        format="tagging",
        source=Source(files=("r.jsonl",)),
        metric="chunk_f1",
        labels=("a", "b"),
    )
    column, problems = READERS["tags"](raw, task, "tags")
    assert (len(column), problems) == (0, [])

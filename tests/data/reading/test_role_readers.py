"""One column, or several, as a role of fixed type."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from xstilts.data import task_data
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

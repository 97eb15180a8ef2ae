"""Tasks over small files of the tests' own, and what became of their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.data import task_data, transforms
from xstilts.sources.context import DataContext
from xstilts.spec.task import Source, Splits, Task
from xstilts.spec.transforms import Transform

Rows = Sequence[Mapping[str, Any]]


def context(folder: Path) -> DataContext:
    """Files, and a cache, under `folder`."""
    return DataContext(base=str(folder), cache=str(folder / "cache"))


def task(
    folder: Path, format_name: str, rows: Rows, transform: Mapping[str, Any], **changes: Any
) -> Task:
    """A task whose training rows are `rows`, already under their roles."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields: dict[str, Any] = {
        "name": "own",
        "format": format_name,
        "metric": "accuracy",
        "source": Source(files=("rows.jsonl",)),
        "splits": Splits(train="train", dev="train"),
        "transform": Transform(**transform),
        "columns": {
            role: role
            for role in rows[0]
            if role in ("text_pair", "question", "prefix", "candidate_pair")
        },
    }
    if format_name in ("classification", "tagging"):
        fields["labels"] = ("a", "b", "c")
    return Task(**{**fields, **changes})


def made(folder: Path, one: Task) -> list[dict[str, Any]]:
    """The training rows as data.py gives them, transformed."""
    return list(task_data.rows(one, "train", None, context(folder)).to_list())


def facts(folder: Path, one: Task) -> dict[str, Any]:
    """What came of it."""
    found = transforms.facts(one, context(folder))
    assert found is not None
    return found


def misplaced(rows: Rows) -> list[Any]:
    """Rows whose answers do not stand where they say."""
    return [
        row
        for row in rows
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        if not text or not row["context"].startswith(text, start)
    ]

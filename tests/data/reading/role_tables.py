"""Rows under their roles, made of columns in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from xstilts.data.reading.columns import to_roles
from xstilts.data.reading.raw import Raw
from xstilts.data.reading.role_rows import RoleRows
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.task import Source, Task, Use


def task_of(format_name: FormatName, **changes: Any) -> Task:
    """A task of a format over files that nobody reads."""
    fields: dict[str, Any] = {
        "name": "t",
        "format": format_name,
        "source": Source(files=("r.jsonl",)),
        "metric": FORMATS[format_name].metrics[0],
    }
    return Task(**{**fields, **changes})


def raw_of(columns: Mapping[str, Any], **changes: Any) -> Raw:
    """Columns as a source holds them."""
    table = pa.table(dict(columns))
    return Raw(**{"table": table, "columns": tuple(columns), "classes": {}, **changes})


def roles(
    given: Mapping[str, Any],
    format_name: FormatName,
    use: Use = "test",
    /,
    raw: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RoleRows:
    """Columns under the roles of a task; `raw` changes how the source is, `changes` the task."""
    return to_roles(raw_of(given, **(raw or {})), task_of(format_name, **changes), use)


def good(read: RoleRows) -> pa.Table:
    """The table of rows in which nothing is wrong."""
    assert read.problems == []
    assert read.table is not None
    return read.table


def questions(
    *answers: Sequence[tuple[str | None, int | None]], context: str = "the cat sat"
) -> dict[str, list[Any]]:
    """Columns of span QA: a question for each list of `(text, start)`."""
    return {
        "id": [f"q{number}" for number in range(len(answers))],
        "question": ["who?"] * len(answers),
        "context": [context] * len(answers),
        "answers": [
            {"text": [text for text, _ in given], "answer_start": [start for _, start in given]}
            for given in answers
        ],
    }

"""Checks columns of one role table against each other; a message counts the wrong rows and names
the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xstilts.spec.format_specs.span_qa import SpanQAOptions
from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa


def disagreements(table: pa.Table, task: Task) -> list[str]:
    """Problems that make rows unusable."""
    import pyarrow.compute as pc

    roles = task.spec.roles
    if "tags" in roles:
        sizes = pc.not_equal(
            pc.list_value_length(table["tokens"]), pc.list_value_length(table["tags"])
        )
        return rows_where(sizes, "have more or fewer tags than tokens")
    if "choices" in roles:
        beyond = pc.greater_equal(
            table["label"], pc.cast(pc.list_value_length(table["choices"]), "int64")
        )
        return rows_where(beyond, "have a label beyond their choices")
    if "answers" in roles:
        texts, starts = (
            pc.struct_field(table["answers"], field) for field in ("text", "answer_start")
        )
        sizes = pc.not_equal(pc.list_value_length(texts), pc.list_value_length(starts))
        return rows_where(
            sizes, "have more or fewer answer texts than answer starts"
        ) or _unanswered(table, task)
    return _both_empty(table, task.spec.either_role) if task.spec.either_role else []


def _unanswered(table: pa.Table, task: Task) -> list[str]:
    import pyarrow.compute as pc

    answers = pc.sum(pc.list_value_length(pc.struct_field(table["answers"], "text"))).as_py()
    may_have_none = isinstance(task.options, SpanQAOptions) and task.options.no_answer
    if answers or may_have_none or not table.num_rows:
        return []
    return [
        f"none of the {table.num_rows} rows has an answer: are they hidden? Take another split, or "
        "allow questions without an answer (`options: {no_answer: true}`)"
    ]


def _both_empty(table: pa.Table, names: tuple[str, str]) -> list[str]:
    import pyarrow.compute as pc

    blank = [pc.equal(pc.utf8_trim_whitespace(table[name]), "") for name in names]
    return rows_where(pc.and_(*blank), f"have neither {names[0]} nor {names[1]}")


def misplaced_answers(table: pa.Table) -> list[str]:
    """Rows none of whose answers occurs in the context; slow, it looks at each row.

    A wrong `answer_start` alone is no problem: the format takes the nearest occurrence.
    """
    rows = zip(table["context"].to_pylist(), table["answers"].to_pylist(), strict=True)
    wrong = [
        bool(answers["text"]) and answer_place(context, answers) is None
        for context, answers in rows
    ]
    return rows_where(wrong, "have answers, but none of them occurs in its context")


def answer_place(context: str, answers: Mapping[str, Any]) -> int | None:
    """Where the first answer that occurs in `context` begins: its occurrence nearest to its
    `answer_start`.
    """
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        if not text.strip():
            continue
        if start >= 0 and context.startswith(text, start):
            return int(start)
        after, before = (
            context.find(text, max(0, start)),
            context.rfind(text, 0, max(0, start) + len(text)),
        )
        found = [place for place in (before, after) if place >= 0]
        if found:
            return min(found, key=lambda place: abs(place - start))
    return None


def rows_where(flags: Any, what: str) -> list[str]:
    """A problem naming the number of flagged rows and the first; `flags`: a list or Arrow column of
    booleans.
    """
    if not isinstance(flags, list):
        import pyarrow.compute as pc

        if not pc.any(flags).as_py():
            return []
        flags = flags.to_pylist()
    rows = [i for i, flag in enumerate(flags) if flag]
    return [f"{len(rows)} rows {what} (first: row {rows[0]})"] if rows else []

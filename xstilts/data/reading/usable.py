"""The rows of a role table that can be trained on or scored; the others are left out, with the
reason.

Left out are rows with a hidden label, sentences without a token, lines without text, and questions
without an answer unless `options.no_answer` says that such a question is to be answered so.
A training question whose answers stand nowhere in its context teaches nothing and is left out too,
up to `answers.MOST_UNPLACED`; a test question is scored by its answers' texts wherever they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.data.reading import answers, choices
from xstilts.data.reading.agreement import disagreements
from xstilts.data.reading.labels import HIDDEN
from xstilts.data.reading.role_rows import RoleRows, wrong
from xstilts.spec.format_specs.span_qa import SpanQAOptions
from xstilts.spec.task import Task, Use

if TYPE_CHECKING:
    import pyarrow as pa

HIDDEN_LABEL = "rows with a hidden label (-1)"
NO_TOKEN = "sentences without a token"
NO_TEXT = "lines without text"
NO_QUERY = "rows without a query, which are only candidates for the others"
NO_CANDIDATE = "queries without a candidate of their own, which teach nothing"


def usable(table: pa.Table, task: Task, use: Use, first: int) -> RoleRows:
    """The rows that are trained on or scored, or what is wrong with some; `first` is the number of
    the table's first row.
    """
    import pyarrow.compute as pc

    roles = task.spec.roles
    problems = disagreements(table, task, first)
    if "choices" in roles and not problems:
        table, problems = choices.compact(table, first)
    if problems:
        return wrong(problems)
    read = RoleRows(table=table)
    if "answers" in roles:
        options = task.options
        may_have_none = isinstance(options, SpanQAOptions) and options.no_answer
        return answered(table, first, placed=use == "train", may_have_none=may_have_none)
    if task.label_role == "label" and task.spec.label_kind != "number":
        read = read.without(pc.equal(table["label"], HIDDEN).to_pylist(), HIDDEN_LABEL)
    if "tokens" in roles:
        lengths = pc.list_value_length(table["tokens"])
        read = read.without(pc.equal(lengths, 0).to_pylist(), NO_TOKEN)
    if task.spec.language_model:
        blank = pc.equal(pc.utf8_trim_whitespace(table["text"]), "")
        read = read.without(blank.to_pylist(), NO_TEXT)
    return read


def answered(
    table: pa.Table, first: int, *, placed: bool = True, may_have_none: bool = False
) -> RoleRows:
    """The questions with an answer, unless they `may_have_none`; if `placed`, those whose answer
    stands in the context, or what is wrong.
    """
    rows, contexts = table["answers"].to_pylist(), table["context"].to_pylist()
    lost = answers.unplaced(contexts, rows) if placed else [False] * len(rows)
    none = [not row["text"] for row in rows]
    problems = answers.without_start(rows, first) if placed else []
    problems = problems or answers.too_many_unplaced(lost, len(rows) - sum(none), first)
    if not may_have_none and rows and all(none):
        problems = [
            f"none of the {len(rows):,} rows has an answer: are they hidden? Take another split, "
            "or allow questions without an answer (`options: {no_answer: true}`)"
        ]
    if problems:
        return wrong(problems)
    place = table.column_names.index("answers")
    table = table.set_column(place, "answers", answers.with_starts(rows))
    read = RoleRows(table=table).without(lost, answers.UNPLACED)
    if may_have_none:
        return read
    left = [one for one, flag in zip(none, lost, strict=True) if not flag]
    return read.without(left, answers.UNANSWERED)


def beside(table: pa.Table, task: Task, use: Use) -> dict[str, int]:
    """Rows of a dual encoder that are in the table but are not trained on or scored themselves, by
    reason.
    """
    import pyarrow.compute as pc

    if "query" not in task.spec.roles:
        return {}
    no_query, no_candidate = (
        pc.equal(pc.utf8_trim_whitespace(table[role]), "") for role in ("query", "candidate")
    )
    found = {NO_QUERY: pc.sum(no_query).as_py()}
    if use == "train":
        found[NO_CANDIDATE] = pc.sum(no_candidate).as_py()
    return {reason: rows for reason, rows in found.items() if rows}

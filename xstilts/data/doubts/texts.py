"""Texts that are missing, all the same, the label itself, one column under two roles, or of
several labels; and numbers and rows of which no score can be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xstilts.spec.task import Task, Use

if TYPE_CHECKING:
    import pyarrow as pa

NEARLY_ALL = 0.95
FEW = 5
"""Fewer rows than this may be alike by chance."""
_SAME = 3
"""Rows from which on a text that all of them share is told."""
NOTABLE = 0.01
"""Share of rows without a text that is told."""
UNDECODED = 0.1
"""Share of rows with letters of a wrong decoding that is told. A file that was decoded wrongly has
them nearly everywhere; single paragraphs of benchmarks have them too (XQuAD's Arabic).
"""
CONTRADICTED = 0.2
"""Share of rows whose text has another label elsewhere that is told. Annotators differ in some
rows; where a column was forgotten (the hypothesis of a pair), most rows are like that.
"""
REPEATED = 0.05
"""Share of sentences to be found that stand several times."""
_TWINS = (
    ("text", "text_pair"),
    ("context", "question"),
    ("source_sentence", "target_sentence"),
    ("query", "candidate"),
)
"""Roles that must not hold the same text."""
_VARIED = ("text", "text_pair", "tokens", "source_sentence", "target_sentence", "key")
"""Roles in which all rows having one text makes a score say nothing. A context, a question or the
choices may well be the same.
"""
_NO_TEXT = r"^\s*(|nan|NaN|None|NULL|null|<NA>|N/A)\s*$"
"""Nothing, or what table libraries write for nothing."""
_WRONG_DECODING = "\ufffd|\u00c3[\u0080-\u00bf]|\u00e2\u20ac|[\u00d0\u00d1][\u0080-\u00bf]"
"""U+FFFD, and UTF-8 that was read as Latin-1 or Windows-1252."""
_CORRELATIONS = ("pearson", "spearman", "correlation")


def doubts(table: pa.Table, task: Task, use: Use) -> Iterator[str]:
    """A sentence for each doubt."""
    yield from _too_few(table, task, use)
    texts = {
        role: table[role]
        for role in task.spec.row_roles
        if role in table.column_names and role not in ("tokens", "choices")
    }
    if not task.spec.language_model:
        yield from _missing(table, texts, task)
    yield from _undecoded(texts)
    yield from _one_id(table)
    yield from _all_the_same(table, task)
    yield from _twins(texts)
    yield from _labels_as_texts(table, texts, task)
    yield from _contradicted(table, texts, task)
    yield from _repeated(texts, task)


def _too_few(table: pa.Table, task: Task, use: Use) -> Iterator[str]:
    """Rows of which a score is no measurement."""
    import pyarrow.compute as pc

    n_rows = table.num_rows
    number = task.spec.label_kind == "number"
    if use != "train" and n_rows == 1:
        yield "has one row: a score of it is all or nothing; take more rows"
    elif use != "train" and n_rows == 2 and task.metric in _CORRELATIONS:
        yield "has two rows, whose correlation is always 100, -100 or 0; take more rows"
    if number and n_rows > 1 and pc.count_distinct(table["label"]).as_py() == 1:
        then = "there is nothing to learn" if use == "train" else f"{task.metric} is always 0"
        value = table["label"][0].as_py()
        yield f"all {n_rows:,} rows have the number {value:g}: {then}; look at the label's column"


def _missing(table: pa.Table, texts: dict[str, Any], task: Task) -> Iterator[str]:
    import pyarrow.compute as pc

    either = task.spec.either_role or ()
    for role, column in texts.items():
        if role in either or (role in task.spec.optional_roles and role != "text_pair"):
            continue
        blank = pc.sum(pc.match_substring_regex(column, _NO_TEXT)).as_py() or 0
        if blank > NOTABLE * table.num_rows:
            yield (
                f"{blank:,} of {table.num_rows:,} rows have no {role} (blank, or `nan`), and are "
                f"used all the same: fill the column `{task.column(role)}`, or take the rows out"
            )
    if "tokens" in table.column_names:
        empty = pc.sum(pc.equal(pc.list_value_length(table["tokens"]), 0)).as_py() or 0
        if empty > NOTABLE * table.num_rows:
            yield f"{empty:,} of {table.num_rows:,} rows have no tokens; take them out"


def _one_id(table: pa.Table) -> Iterator[str]:
    import pyarrow.compute as pc

    if "id" not in table.column_names:
        return
    again = table.num_rows - pc.count_distinct(table["id"]).as_py()
    if again > NOTABLE * table.num_rows:
        yield (
            f"{again:,} of {table.num_rows:,} rows have an id that stands there before: each row "
            "counts here, but scripts that look predictions up by id keep one of them; give each "
            "row an id of its own"
        )


def _undecoded(texts: dict[str, Any]) -> Iterator[str]:
    import pyarrow.compute as pc

    for role, column in texts.items():
        wrong = pc.sum(pc.match_substring_regex(column, _WRONG_DECODING)).as_py() or 0
        if wrong >= FEW and wrong > UNDECODED * len(column):
            yield (
                f"{wrong:,} of {len(column):,} rows have a {role} that was decoded wrongly "
                "(such as \u00c3\u00a9 for \u00e9): make the file again as UTF-8"
            )


def _all_the_same(table: pa.Table, task: Task) -> Iterator[str]:
    """A role in which rows must differ holds one text."""
    import pyarrow.compute as pc

    n_rows = table.num_rows
    roles = [role for role in _VARIED if role in table.column_names]
    if n_rows < _SAME:
        return
    for role in roles:
        column = table[role]
        flat = pc.binary_join(column, " ") if role == "tokens" else column
        first = flat[0].as_py()
        if pc.all(pc.equal(flat, first)).as_py():
            name = task.column(role)
            if not first and role in (task.spec.either_role or ()):
                yield f"all {n_rows:,} rows lack a {role}: there is no pair to be found"
                continue
            yield (
                f"all {n_rows:,} rows have the same {role}: is `{name}` the right column? "
                f"`columns: {{{role}: ...}}` names another"
            )


def _twins(texts: dict[str, Any]) -> Iterator[str]:
    import pyarrow.compute as pc

    for one, other in _TWINS:
        if one not in texts or other not in texts:
            continue
        same = pc.sum(pc.equal(texts[one], texts[other])).as_py() or 0
        n_rows = len(texts[one])
        if n_rows >= FEW and same >= NEARLY_ALL * n_rows:
            yield (
                f"{one} and {other} are equal in {same:,} of {n_rows:,} rows: is one column read "
                f"twice? `columns: {{{other}: ...}}` names another"
            )


def _labels_as_texts(table: pa.Table, texts: dict[str, Any], task: Task) -> Iterator[str]:
    """A text that is the label's name gives the answer away."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if task.spec.label_kind != "class" or not task.labels or "label" not in table.column_names:
        return
    names = pa.array(task.labels, pa.string()).take(table["label"].combine_chunks())
    for role, column in texts.items():
        plain = pc.utf8_trim_whitespace(column.combine_chunks())
        same = pc.sum(pc.equal(plain, names)).as_py() or 0
        if table.num_rows >= FEW and same >= NEARLY_ALL * table.num_rows:
            yield (
                f"the {role} is the label itself in {same:,} of {table.num_rows:,} rows: "
                f"`columns: {{{role}: ...}}` must name the column of the texts"
            )


def _contradicted(table: pa.Table, texts: dict[str, Any], task: Task) -> Iterator[str]:
    """The same texts with several labels, by which no model can tell them apart."""
    if task.format != "classification" or "label" not in table.column_names:
        return
    roles = [*texts]
    labels = table.group_by(roles, use_threads=False).aggregate(
        [("label", "count_distinct"), ("label", "count")]
    )
    several = [
        count
        for count, distinct in zip(
            labels["label_count"].to_pylist(),
            labels["label_count_distinct"].to_pylist(),
            strict=True,
        )
        if distinct > 1
    ]
    rows = sum(several)
    if rows >= FEW and rows > CONTRADICTED * table.num_rows:
        missing = "text_pair" not in roles
        yield (
            f"{rows:,} of {table.num_rows:,} rows have a text that also stands with another label, "
            "so that nothing can tell them apart: "
            + (
                "is the second text of a pair missing? `columns: {text_pair: ...}` names it"
                if missing
                else "look at the columns of the texts"
            )
        )


def _repeated(texts: dict[str, Any], task: Task) -> Iterator[str]:
    """Sentences to be found that stand several times, of which one alone counts as right."""
    import pyarrow.compute as pc

    if task.format != "retrieval":
        return
    for role, column in texts.items():
        again = len(column) - pc.count_distinct(column).as_py()
        if again >= FEW and again > REPEATED * len(column):
            yield (
                f"{again:,} of {len(column):,} sentences under {role} stand there before, and only "
                "the one of the same row counts as right: take repeated ones out"
            )

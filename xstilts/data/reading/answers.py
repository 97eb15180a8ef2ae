"""The answers of a row of span QA: texts, and the characters at which they begin.

An empty text, or a null, is no answer, and neither is any text of a row that a column
`is_impossible` marks: some sources give plausible answers there (KLUE). Test and development rows
are scored by their answers' texts and need no starts; in training rows and in rows made from
questions for a dual encoder the start says which occurrence is meant, so there it must be given.
It may be wrong: `spec/answer_places.py` says where such an answer stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xstilts.data.reading.agreement import row_text, rows_where
from xstilts.data.reading.raw import Raw
from xstilts.spec.answer_places import first_place

if TYPE_CHECKING:
    import pyarrow as pa

UNANSWERED = "questions without an answer"
UNPLACED = "questions whose answer does not stand in the context as it is written"
MOST_UNPLACED = 0.5
"""A larger share of unplaced answers among training questions with an answer is an error."""
IMPOSSIBLE = "is_impossible"
"""Column of truth values: whether a question has no answer in its context (SQuAD v2.0's name)."""
_NO_START = -1


def column_of(raw: Raw, name: str) -> tuple[Any, list[str]]:
    """A column of SQuAD's answers, `{text: [texts], answer_start: [characters from 0]}`, without
    empty ones and those of impossible questions; a start that is not given is null.
    """
    import pyarrow as pa

    column = raw.table[name]
    must = "must be {text: [..], answer_start: [..]} in every row"
    if not pa.types.is_struct(column.type) or column.type.get_field_index("text") < 0:
        return column, [f"column `{name}` holds {column.type}; {must}"]
    if column.null_count:
        row = row_text(raw.first + column.is_null().to_pylist().index(True))
        return column, [f"column `{name}` is empty in {column.null_count:,} rows (first: {row})"]
    try:
        texts = _lists(column, "text", pa.string())
        starts = _lists(column, "answer_start", pa.float64())
        rows = [
            _answers(*(([], []) if none else pair))
            for none, *pair in zip(_impossible(raw), texts, starts, strict=True)
        ]
        return pa.array(rows, _type()), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OverflowError):
        must = "must be {text: [texts], answer_start: [numbers]}"
        return column, [f"column `{name}` holds {column.type}; {must}"]


def _impossible(raw: Raw) -> list[bool]:
    import pyarrow as pa

    there = IMPOSSIBLE in raw.table.column_names
    if not there or not pa.types.is_boolean(raw.table[IMPOSSIBLE].type):
        return [False] * raw.table.num_rows
    return [one is True for one in raw.table[IMPOSSIBLE].to_pylist()]


def _type() -> pa.DataType:
    import pyarrow as pa

    lists = [("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))]
    return pa.struct(lists)


def _lists(column: Any, field: str, kind: pa.DataType) -> list[list[Any] | None]:
    """A field of the rows as lists; None where it is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type.get_field_index(field) < 0:
        return [None] * len(column)
    cast = pc.struct_field(column, field).cast(pa.list_(kind)).to_pylist()
    return list(cast)


def _answers(texts: list[Any] | None, starts: list[Any] | None) -> dict[str, list[Any]]:
    """Answers that are not empty. Starts that are fewer or more than the texts tell nothing."""
    texts = texts or []
    fitting = starts if starts and len(starts) == len(texts) else [None] * len(texts)
    kept = [(text, at) for text, at in zip(texts, fitting, strict=True) if text and text.strip()]
    return {
        "text": [text for text, _ in kept],
        "answer_start": [None if at is None or at != at else int(at) for _, at in kept],
    }


def without_start(rows: Sequence[Mapping[str, Any]], first: int) -> list[str]:
    """A problem if an answer has no start; `first` is the number of the first row."""
    lacking = [None in row["answer_start"] for row in rows]
    what = "have an answer without a start (`answer_start`), by which training finds its place"
    return rows_where(lacking, what, first)


def unplaced(contexts: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether a row has answers none of which stands in its context."""
    return [
        bool(row["text"]) and first_place(context, row) is None
        for context, row in zip(contexts, rows, strict=True)
    ]


def too_many_unplaced(flags: Sequence[bool], n_answered: int, first: int) -> list[str]:
    """A problem if more than `MOST_UNPLACED` of the rows with an answer are flagged."""
    if sum(flags) <= MOST_UNPLACED * n_answered:
        return []
    what = (
        f"of {n_answered:,} with an answer have none that stands in its context as it is written "
        "(letter for letter, with the same capitals and blanks); no more than half may be left out"
    )
    return rows_where(list(flags), what, first)


def with_starts(rows: Sequence[Mapping[str, Any]]) -> pa.Array:
    """Answers as a column in which each has a start, -1 where it is not known."""
    import pyarrow as pa

    filled = [
        {**row, "answer_start": [_NO_START if at is None else at for at in row["answer_start"]]}
        for row in rows
    ]
    return pa.array(filled, _type())

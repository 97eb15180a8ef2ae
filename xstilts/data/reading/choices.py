"""The choices of a row: an empty cell, an empty text or a null is no choice.

Tables with a column for each choice leave cells empty where a question has fewer choices. Such
cells are taken out. A label is the number of a choice, so a row whose label is an empty cell, or
stands behind one, is an error: the file and its labels do not mean the same choices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.data.reading.agreement import rows_where

if TYPE_CHECKING:
    import pyarrow as pa


def compact(table: pa.Table, first: int) -> tuple[pa.Table, list[str]]:
    """A role table with `choices` and `label` without choices that are empty, and what is wrong;
    `first` is the number of its first row.
    """
    import pyarrow as pa

    rows = table["choices"].to_pylist()
    labels = table["label"].to_pylist()
    filled = [[bool(choice and choice.strip()) for choice in row] for row in rows]
    pairs = list(zip(filled, labels, strict=True))
    problems = [
        *rows_where([not any(row) for row in filled], "have no choice that is not empty", first),
        *rows_where(
            [label >= len(row) for row, label in pairs], "have a label beyond their choices", first
        ),
        *rows_where(
            [0 <= label < len(row) and not row[label] for row, label in pairs],
            "have a label whose choice is empty",
            first,
        ),
        *rows_where(
            [0 <= label < len(row) and row[label] and not all(row[:label]) for row, label in pairs],
            "have an empty choice before the right one, so that the label may mean another; "
            "move empty choices to the end",
            first,
        ),
    ]
    if problems:
        return table, problems
    kept = [
        [choice for choice, full in zip(row, flags, strict=True) if full]
        for row, flags in zip(rows, filled, strict=True)
    ]
    place = table.column_names.index("choices")
    return table.set_column(place, "choices", pa.array(kept, pa.list_(pa.string()))), []

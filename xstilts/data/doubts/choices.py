"""Multiple choice in which there is nothing to choose, or always the same place, or never the
first one (labels that are counted from 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 10
"""In fewer rows the right choice may stand at one place by chance."""
AGAIN = 0.05
"""Share of rows whose right choice may stand twice without a word."""
EXPECTED = 7
"""Rows in which the first choice must be expected to be right before it is missed."""
_NAN = ("nan", "NaN", "<NA>")
"""What table libraries write for an empty cell. `None` and `N/A` may be choices."""


def doubts(table: pa.Table, task: Task) -> Iterator[str]:
    """A sentence for each way in which the choices make a score say nothing."""
    choices, places = table["choices"].to_pylist(), table["label"].to_pylist()
    n_rows = len(choices)
    alone = sum(len(row) == 1 for row in choices)
    if alone:
        yield f"{alone:,} of {n_rows:,} rows have one choice alone, which is always right"
    again = sum(
        len(row) > 1 and 0 <= place < len(row) and row.count(row[place]) > 1
        for row, place in zip(choices, places, strict=True)
    )
    if again > AGAIN * n_rows:
        yield (
            f"in {again:,} of {n_rows:,} rows the right choice stands again among the others, and "
            "only one of the two counts as right: look at the column of the choices"
        )
    empty = sum(any(choice.strip() in _NAN for choice in row) for row in choices)
    if empty > AGAIN * n_rows:
        yield (
            f"{empty:,} of {n_rows:,} rows have a choice `nan`, which is what table libraries "
            "write for an empty cell and counts as a choice here: leave the cell empty"
        )
    expected = sum(1 / max(len(row), 1) for row in choices)
    if 0 not in places and len(set(places)) > 1 and expected >= EXPECTED:
        name = task.labels[0] if task.labels else "0"
        yield (
            f"the first choice (`{name}`) is right in none of {n_rows:,} rows, where about "
            f"{expected:.0f} were to be expected: are labels counted from 1? They must be from 0, "
            "or names in `labels:`"
        )
    if n_rows >= FEW and len(set(places)) == 1 and alone < n_rows:
        name = task.labels[places[0]] if places[0] < len(task.labels) else str(places[0])
        yield (
            f"the right choice is `{name}` in all {n_rows:,} rows, so a model that knows nothing "
            "may score 100: look at the column of the label, or shuffle each row's choices"
        )

"""Labels as a source writes them -> ids in the task's table.

A label is looked up by its name, wherever it has one:

- a text is a name;
- a truth value of JSON or Parquet is the label `true` or `false`, in whatever capitals the table
  writes it;
- a number is the label that reads as this number (`1` or `1.0`), if any label of the table reads as
  a number;
- an id for which the source states names (`datasets`' ClassLabel) is its name: readers see to that.
  Where a task states no labels, as multiple choice may, these names are the table.

Only a number for which none of this can be meant is an id: the table's labels are no numbers and
are stated by the task, and the column holds none of them. In a CSV, where everything is text,
digits count as numbers. The number -1 is a hidden label, unless the table has a label -1. Anything
else is an error that shows the values and the table; nothing is guessed.

A task may take its table from its training and development rows (`open_table`: CCG's 1,363
supertags). Such a table ends with `UNSEEN`, which stands for any other label of the test rows. No
training row has it, so a model never predicts it and these rows count as mistakes, as they should.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from xstilts.data.reading.agreement import row_text
from xstilts.data.reading.raw import Raw
from xstilts.errors import DataError, nearest
from xstilts.spec.task import UNSEEN, Task

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_CHOICES = 2**31
"""The number of a choice, where the task states no labels, is below this."""
HIDDEN = -1
"""Id of a hidden label."""
_NUMBER = re.compile(r"(-?[1-9][0-9]{0,17}|0)(\.[0-9]{1,17})?")
_WHOLE = re.compile(r"[0-9]{1,18}")
_SHOWN, _SHOWN_CHARACTERS = 8, 40


# -- tables taken from the data


def open_table(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct names, sorted (numbers by value), and `UNSEEN`."""
    different = set(names)
    numbers = all(_WHOLE.fullmatch(name) for name in different)
    return (*sorted(different, key=(lambda name: (int(name), name)) if numbers else None), UNSEEN)


def names_in(column: Any, name: str, raw: Raw, *, tags: bool) -> set[str]:
    """The distinct labels of a column, or of its lists for `tags`, by name, without hidden and
    missing ones; DataError if it holds something else.
    """
    import pyarrow.compute as pc

    if tags and is_list(column.type):
        column = pc.list_flatten(column)
    if unfit := _unfit(column, name):
        raise DataError(unfit)
    values = pc.unique(column).to_pylist()
    found = {_name(value) for value in values if not _is_missing(value)}
    return found - ({str(HIDDEN)} if raw.untyped or not _are_texts(values) else set())


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()


def none_known(table: pa.Table, task: Task) -> bool:
    """Whether no label of a role table is in the task's open table, which then fits other data."""
    if not _is_open(task) or task.label_role is None:
        return False
    found = {label for label, rows in counts(table, task).items() if rows}
    return found == {UNSEEN}


def counts(table: pa.Table, task: Task) -> dict[str, int]:
    """Each label of the task's table to its rows, or for tags to its tokens; empty where there are
    no names for labels.
    """
    import pyarrow.compute as pc

    if task.label_role not in table.column_names or task.spec.label_kind == "number":
        return {}
    column = table[task.label_role]
    flat = pc.list_flatten(column) if task.spec.label_kind == "tags" else column
    found = {one["values"]: one["counts"] for one in pc.value_counts(flat).to_pylist()}
    return {label: found.get(number, 0) for number, label in enumerate(task.labels)}


# -- ids


def ids(
    column: Any, name: str, raw: Raw, task: Task, rows: Sequence[int] | None = None
) -> tuple[Any, list[str]]:
    """A column of labels as ids (int64) into `task.labels`, `HIDDEN` where hidden; and what is
    wrong with it.

    `raw` holds the rows that the column is from; `rows` gives for each value the number of its row
    in `raw`, from 0, where they are not the same. Only distinct values are looked up.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if unfit := _unfit(column, name):
        return column, [unfit]
    hidden = name in raw.hidden
    values = pc.unique(column)
    listed = values.to_pylist()
    lookup = _Lookup(task, listed, raw.classes.get(name, ()), raw.untyped, hidden)
    found = [lookup.id(value) for value in listed]
    wrong = [
        (value, number)
        for number, (value, one) in enumerate(zip(listed, found, strict=True))
        if one is None or (one == HIDDEN and task.spec.label_kind == "tags")
    ]
    at = pc.index_in(column, value_set=values)
    if wrong:
        flags = pc.is_in(at, value_set=pa.array([number for _, number in wrong], at.type))
        first = pc.index(flags, True).as_py()
        row = row_text(raw.first + (first if rows is None else int(rows[first])))
        values_only = [value for value, _ in wrong]
        many = pc.sum(flags).as_py()
        return column, [_outside(name, values_only, task, raw.classes.get(name), many, row)]
    made = pa.array(found, pa.int64()).take(at)
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made]), []


class _Lookup:
    """How the distinct values of one column are looked up in a task's table."""

    def __init__(
        self,
        task: Task,
        values: Sequence[Any],
        stated: Sequence[str],
        untyped: bool,
        hidden: bool,
    ) -> None:
        self.choice, self.open = task.spec.label_kind == "choice", _is_open(task)
        self.table = task.labels or (tuple(stated) if self.choice else ())
        self.untyped, self.hidden = untyped, hidden
        self.numbers: dict[Decimal, list[int]] = {}
        for number, label in enumerate(self.table):
            if _NUMBER.fullmatch(label):
                self.numbers.setdefault(Decimal(label), []).append(number)
        names = {value.strip() for value in values if isinstance(value, str)}
        self.may_be_ids = not (self.numbers or self.open or names & set(self.table))

    def id(self, value: Any) -> int | None:
        """The id of a value; None if it has none."""
        if value is None and self.hidden:
            return HIDDEN
        if _is_missing(value):
            return None
        if isinstance(value, bool):
            found = self._truth(str(value).lower())
        elif not isinstance(value, str):
            found = self._number(Decimal(repr(value)))
        elif value.strip() in self.table:
            found = self.table.index(value.strip())
        elif self.untyped and _NUMBER.fullmatch(value.strip()):
            found = self._number(Decimal(value.strip()))
        else:
            found = None
        return len(self.table) - 1 if found is None and self.open else found

    def _truth(self, word: str) -> int | None:
        if word in self.table:
            return self.table.index(word)
        alike = [number for number, label in enumerate(self.table) if label.lower() == word]
        return alike[0] if len(alike) == 1 else None

    def _number(self, value: Decimal) -> int | None:
        alike = self.numbers.get(value, [])
        if alike:
            exact = [one for one in alike if self.table[one] == str(value)]
            return (exact or alike)[0] if exact or len(alike) == 1 else None
        if value == HIDDEN:
            return HIDDEN
        if value != value.to_integral_value() or value < 0 or not self.may_be_ids:
            return None
        most = len(self.table) if self.table or not self.choice else _MOST_CHOICES
        return int(value) if value < most else None


def _is_open(task: Task) -> bool:
    return task.labels[-1:] == (UNSEEN,)


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float) and not math.isfinite(value))
        or (isinstance(value, str) and not value.strip())
    )


def _are_texts(values: Iterable[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is a list of any kind."""
    from pyarrow import types

    return any(
        test(kind) for test in (types.is_list, types.is_large_list, types.is_fixed_size_list)
    )


def is_plain(kind: Any) -> bool:
    """Whether an Arrow type is that of a text, a number or a truth value."""
    from pyarrow import types

    texts = (types.is_string, types.is_large_string)
    others = (types.is_integer, types.is_floating, types.is_boolean, types.is_null)
    return any(test(kind) for test in (*texts, *others))


# -- messages


def _unfit(column: Any, name: str) -> str:
    """What is wrong with a column whose type can't be that of a label; empty if nothing is."""
    if is_plain(column.type):
        return ""
    must = "must hold a label, one text, number or truth value each"
    return f"column `{name}` holds {column.type}; {must}"


def _outside(
    name: str,
    values: Sequence[Any],
    task: Task,
    stated: Sequence[str] | None,
    many: int,
    row: str,
) -> str:
    """The message for values without an id: missing ones, truth values, or names and numbers."""
    missing = [value for value in values if _is_missing(value)]
    if missing:
        return (
            f"column `{name}` is empty in {many:,} places (first: {row}); every row needs a label"
        )
    if any(isinstance(value, bool) for value in values):
        return (
            f"column `{name}` holds truth values (first: {row}), which are the labels `true` and "
            f'`false`; {_table(task)} lacks them. Set `labels: ["false", "true"]`, or write the '
            "label's name into the column"
        )
    shown = _some([_shown(value) for value in values])
    source = f"; the source's own table is [{_some(stated)}]" if stated else ""
    text = next((value for value in values if isinstance(value, str)), None)
    hint = nearest(text.strip(), task.labels) if text and len(task.labels) > 1 else ""
    close = hint if hint.startswith("; nearest") else ""
    return (
        f"column `{name}` has labels outside {_table(task)}: {shown} (first: {row}){close}{source}"
        ". Set `labels:` to the names in the order of their ids"
    )


def _table(task: Task) -> str:
    return f"the table [{_some(task.labels, 20)}]" if task.labels else "the table, which is empty"


def _shown(value: Any) -> str:
    text = str(value).strip()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _some(names: Sequence[str], most: int = _SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

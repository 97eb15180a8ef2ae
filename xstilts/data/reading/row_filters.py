"""Which rows of a split are kept: those whose columns match the source's patterns.

A pattern must match the whole value: `*` stands for any text, `?` for one character, everything
else for itself; case matters. Numbers and booleans are matched as they are written (`1`, `true`),
ids for which the source states names by their names; a missing value matches nothing. A row must
match all patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xstilts.data.reading.raw import Raw
from xstilts.errors import DataError

_SHOWN, _SHOWN_CHARACTERS = 6, 40


def kept(raw: Raw, patterns: Mapping[str, str], at: str) -> Raw:
    """The rows that match; `at` is the source in words, for messages.

    Raises DataError if a column is missing or holds nested values, or if no row matches.
    """
    import pyarrow.compute as pc

    keep: Any = None
    for name, pattern in patterns.items():
        matches = _matches(raw, name, pattern, at)
        keep = matches if keep is None else pc.and_(keep, matches)
    table = raw.table.filter(keep)
    if table.num_rows == 0 and raw.table.num_rows:
        raise DataError(_nothing(raw, patterns, at))
    return replace(raw, table=table)


def _matches(raw: Raw, name: str, pattern: str, at: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in raw.columns:
        raise DataError(
            f"{at}: row_filter names a column `{name}`, which does not exist; it has "
            f"{', '.join(raw.columns)}"
        )
    column = raw.table[name]
    if pa.types.is_nested(column.type):
        raise DataError(
            f"{at}: row_filter names column `{name}`, which holds {column.type}; must be "
            "text or numbers"
        )
    matches = pc.match_substring_regex(column.cast(pa.string()), pattern=_regex(pattern))
    return pc.fill_null(matches, False)


def _regex(pattern: str) -> str:
    """A pattern as an RE2 regular expression for the whole text."""
    words = {"*": ".*", "?": "."}
    return "".join(
        (
            r"(?s)\A",
            *(words.get(part, re.escape(part)) for part in re.split(r"([*?])", pattern)),
            r"\z",
        )
    )


def _nothing(raw: Raw, patterns: Mapping[str, str], at: str) -> str:
    shown = []
    for name, pattern in patterns.items():
        values = raw.table[name].unique().to_pylist()[:_SHOWN]
        shown.append(
            f"{name} has values like {', '.join(_short(value) for value in values)}, the pattern "
            f"is {pattern!r}"
        )
    rows = raw.table.num_rows
    return (
        f"{at}: none of the {rows:,} rows matches row_filter: {'; '.join(shown)}. Fix the pattern "
        "or `language_names:`"
    )


def _short(value: Any) -> str:
    whole = isinstance(value, str) and len(value) > _SHOWN_CHARACTERS
    return repr(f"{value[: _SHOWN_CHARACTERS - 1]}…") if whole else repr(value)

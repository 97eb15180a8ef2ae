"""Which rows of a split are kept: those whose columns match the source's patterns.

A pattern is matched against the whole value: `*` stands for any text, `?` for one character,
everything else for itself, upper and lower case apart. Numbers and truth values are matched as they
are written (`1`, `true`); a missing value matches nothing. Rows must match all patterns.
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
    """The rows that match; `at` is the source in words.

    DataError where a column is missing or holds no plain values, and where nothing matches.
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
            f"{at}: row_filter names a column `{name}`, which is not there; it has "
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
    """A pattern as a regular expression of RE2 for the whole text."""
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
            f"{name} is like {', '.join(_short(value) for value in values)}, the pattern is "
            f"{pattern!r}"
        )
    rows = raw.table.num_rows
    return (
        f"{at}: no row of {rows:,} matches row_filter: {'; '.join(shown)}. Mend the pattern or "
        "`language_names:`"
    )


def _short(value: Any) -> str:
    whole = isinstance(value, str) and len(value) > _SHOWN_CHARACTERS
    return repr(f"{value[: _SHOWN_CHARACTERS - 1]}…") if whole else repr(value)

"""Rows of any kind for property tests, and what their files hold once they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from xstilts.data.reading import readers
from xstilts.data.reading.raw import Raw
from xstilts.errors import DataError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = (TEXT, WHOLE, NUMBER, st.booleans())


def columns_of(kind: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Any]]:
    """A value of a kind, a list of them, a list of lists, a struct with them."""
    some = st.none() | kind
    struct = st.fixed_dictionaries({"a": some, "b": st.lists(some, max_size=2)})
    return [
        kind,
        st.lists(some, max_size=3),
        st.lists(st.lists(some, max_size=2), max_size=2),
        struct,
    ]


@st.composite
def json_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of which each column has one type; some lack keys, some have nulls."""
    names = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
    kinds = {
        name: draw(st.sampled_from([one for s in SCALARS for one in columns_of(s)]))
        for name in names
    }
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        kept = [name for name in names if draw(st.booleans())] or names[:1]
        rows.append({name: draw(st.none() | kinds[name]) for name in kept})
    return rows


def read_back(
    content: bytes, name: str, columns: Sequence[str], file_format: str | None = None
) -> Raw:
    """What is read from a file of this content and name; its rows are counted too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        raw = readers.read([path], file_format, columns)
        assert readers.count([path], file_format) == raw.table.num_rows
        assert readers.read([path], file_format, ()).table.num_rows == raw.table.num_rows
        raw.table.validate(full=True)
        return raw


def rows_or_told(
    content: bytes, name: str, columns: Sequence[str], file_format: str | None = None
) -> Raw | str:
    """The same; or the one line that says what is wrong."""
    try:
        return read_back(content, name, columns, file_format)
    except DataError as error:
        text = str(error)
        text.encode()
        assert name.partition(".")[0] in text and "\n" not in text, text
        return text

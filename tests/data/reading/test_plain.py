"""Columns of any Arrow type come out as few plain types, with the same values."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from tests.data.reading.rows_made import NUMBER, TEXT, WHOLE
from xstilts.data.reading.plain import joined, plain
from xstilts.errors import DataError

BYTE = st.integers(-100, 100)
KINDS: tuple[tuple[Any, st.SearchStrategy[Any], Any], ...] = (
    (pa.string(), TEXT, pa.string()),
    (pa.large_string(), TEXT, pa.string()),
    (pa.string_view(), TEXT, pa.string()),
    (pa.binary(), TEXT, pa.string()),
    (pa.large_binary(), TEXT, pa.string()),
    (pa.binary_view(), TEXT, pa.string()),
    (pa.bool_(), st.booleans(), pa.bool_()),
    (pa.int8(), BYTE, pa.int64()),
    (pa.uint64(), st.integers(0, 2**63 - 1), pa.int64()),
    (pa.int64(), WHOLE, pa.int64()),
    (pa.float32(), st.floats(width=32, allow_nan=False, allow_infinity=False), pa.float64()),
    (pa.float64(), NUMBER, pa.float64()),
    (pa.decimal128(20, 0), WHOLE.map(lambda n: n // 10), pa.int64()),
    (pa.dictionary(pa.int8(), pa.string()), TEXT, pa.string()),
    (pa.null(), st.none(), pa.null()),
)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[Any, list[Any], Any]:
    """An array of some type, its values, and the plain type of it."""
    kind, values, expected = draw(st.sampled_from(KINDS))
    values = st.none() | values
    for _ in range(draw(st.integers(0, 2))):
        shape = draw(st.sampled_from(["list", "large", "view", "fixed", "struct"]))
        if shape == "struct":
            kind, expected = pa.struct([("f", kind)]), pa.struct([("f", expected)])
            values = st.none() | st.fixed_dictionaries({"f": values})
            continue
        size = 2 if shape == "fixed" else None
        made = {"list": pa.list_, "large": pa.large_list, "view": pa.list_view}
        kind = pa.list_(kind, 2) if shape == "fixed" else made[shape](kind)
        expected = pa.list_(expected)
        values = st.none() | st.lists(values, min_size=size or 0, max_size=size or 3)
    rows = draw(st.lists(values, max_size=4))
    return _array(rows, kind), rows, expected


def _array(rows: list[Any], kind: Any) -> Any:
    """An array; pyarrow can't make some of them of Python's values at once."""
    if pa.types.is_binary_view(kind) or pa.types.is_string_view(kind):
        return pa.array(rows, pa.string()).cast(kind)
    return pa.array(rows, kind)


@given(made=arrays(), cut=st.integers(0, 2))
def test_values_are_the_same_in_a_plain_type(made: tuple[Any, list[Any], Any], cut: int) -> None:
    array, rows, expected = made
    found = plain(array.slice(cut), "c", "f.parquet")
    assert found.type == expected
    assert found.to_pylist() == rows[cut:]
    assert plain(pa.chunked_array([array, array]), "c", "f").to_pylist() == rows * 2


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (pa.array([datetime.date(2020, 1, 2)]), ["2020-01-02"]),
        (pa.array([datetime.datetime(2020, 1, 2, 3)], pa.timestamp("s")), ["2020-01-02 03:00:00"]),
        (pa.array([1.5, 2]).cast(pa.decimal128(5, 2)), [1.5, 2.0]),
        (pa.array(np.array([0.5], "float16")), [0.5]),
        (pa.array([1.0, float("nan"), None]), [1.0, None, None]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([{}, None]), [{}, None]),
        (pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), ["a", "b"]), ["b", None, "a"]),
        (pa.array([True]).cast(pa.bool8()) if hasattr(pa, "bool8") else pa.array([1]), [1]),
        (pa.chunked_array([], pa.list_(pa.int8())), []),
    ],
)
def test_rarer_types_become_text_and_numbers(array: Any, values: list[Any]) -> None:
    assert plain(array, "c", "f").to_pylist() == values


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array([b"a", b"\xff"]), "f.parquet: column `c`, row 2, holds binary: .* not UTF-8"),
        (pa.array([[b"a"], [b"\xff"]]), "column `c`, row 2, holds list<.*: .* not UTF-8"),
        (pa.array([1, 2**63], pa.uint64()), "row 2, holds uint64: .* does not fit into 64 bits"),
        (pa.array([1.0, float("-inf")]), "row 2, holds double: a number is infinite"),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "no role can be made of it"),
        (pa.array([1], pa.duration("s")), "no role can be made of it"),
        (
            pa.Array.from_buffers(
                pa.string(),
                1,
                [None, pa.py_buffer(np.array([0, 1], "int32")), pa.py_buffer(b"\xff")],
            ),
            "row 1, holds string: a value is not UTF-8",
        ),
    ],
)
def test_value_that_does_not_fit_is_told_with_its_row(array: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        plain(array, "c", "f.parquet")


# -- the files of a split


def parts(*columns: Any) -> list[tuple[str, Any]]:
    """Tables of one column each, with names of files."""
    return [(f"{n}.parquet", pa.table({"c": column})) for n, column in enumerate(columns)]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        (([1], [0.5]), [1.0, 0.5]),
        (([None], ["a"]), [None, "a"]),
        (([[]], [["a"]], [[1, None]][:0]), [[], ["a"]]),
        (([[None], None], [[1]]), [[None], None, [1]]),
        (([{"a": 1}], [{"b": ["x"]}, None]), [{"a": 1, "b": None}, {"a": None, "b": ["x"]}, None]),
        (([{"a": [None]}], [{"a": [0.5]}], [{"a": [1]}]), [{"a": [v]} for v in (None, 0.5, 1.0)]),
    ],
)
def test_files_whose_types_differ_only_in_what_they_lack_are_joined(
    columns: tuple[Any, ...], values: list[Any]
) -> None:
    table = joined(parts(*(pa.array(column) for column in columns)))
    assert table["c"].to_pylist() == values
    table.validate(full=True)


def test_column_that_a_file_lacks_is_null_there_and_one_without_values_is_text() -> None:
    table = joined([("a", pa.table({"x": [1]})), ("b", pa.table({"y": [[None]]}))])
    assert table.to_pylist() == [{"x": 1, "y": None}, {"x": None, "y": [None]}]
    assert table.schema.field("y").type == pa.list_(pa.string())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1], ["a"]), "column `c` is int64 in 0.parquet and string in 1.parquet"),
        (([None], [[1]], [["a"]]), r"is list<.*int64> in 1\.parquet and list<.*string> in 2\.parq"),
        (([True], [1]), "is bool in 0.parquet and int64 in 1.parquet"),
        (([{"a": 1}], [{"a": "x"}]), "is struct<a: int64> in 0.parquet and struct<a: string> in"),
        (([0.5], [2**60 + 1]), "1.parquet: column `c`: Integer value"),
    ],
)
def test_files_whose_types_differ_are_named_both(columns: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        joined(parts(*(pa.array(column) for column in columns)))

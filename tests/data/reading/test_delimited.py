"""CSV and TSV: every row that is written is read, and a quote that makes no sense is told."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from tests.data.reading.rows_made import read_back, rows_or_told
from xstilts.errors import DataError

VALUE = st.text(
    st.sampled_from('ab ,\t"\n\r;é中\u2028\x0b')
    | st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=6,
)


@st.composite
def tables(draw: st.DrawFn, values: st.SearchStrategy[str], least: int = 1) -> list[list[str]]:
    """Some rows of as many values."""
    width = draw(st.integers(least, 3))
    return draw(st.lists(st.lists(values, min_size=width, max_size=width), max_size=4))


def values_of(raw: Any, width: int) -> list[list[str]]:
    """The rows of the columns c0, c1, ..."""
    return [
        list(row.values()) for row in raw.table.select([f"c{i}" for i in range(width)]).to_pylist()
    ]


@given(
    rows=tables(VALUE),
    kind=st.sampled_from(["csv", "tsv"]),
    every=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_rows_of_a_program_that_quotes_come_back(
    rows: list[list[str]], kind: str, every: bool, end: str
) -> None:
    width = len(rows[0]) if rows else 2
    names = [f"c{i}" for i in range(width)]
    # Python 3.11 does not quote a CR if lines end with LF.
    assume(every or end == "\r\n" or not any("\r" in value for row in rows for value in row))
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter="\t" if kind == "tsv" else ",",
        quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL,
        lineterminator=end,
    )
    writer.writerows([names, *rows])
    found = rows_or_told(text.getvalue().encode(), f"r.{kind}", names)
    if isinstance(found, str):
        assert "opens a quote that a later line closes" in found
        assert any("\n" in value for row in rows for value in row)
    else:
        assert values_of(found, width) == rows


@given(
    rows=tables(st.text(st.sampled_from("ab \"',;é中\u2028\x0b"), max_size=6), least=2),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
)
def test_rows_of_a_program_that_never_quotes_come_back(
    rows: list[list[str]], end: str, last: bool
) -> None:
    width = len(rows[0]) if rows else 2
    lines = ["\t".join(row) for row in [[f"c{i}" for i in range(width)], *rows]]
    content = (end.join(lines) + (end if last else "")).encode()
    found = rows_or_told(content, "r.tsv", [f"c{i}" for i in range(width)])
    if isinstance(found, str):
        assert "opens a quote that a later line closes" in found
    else:
        quoted = {value: value[1:-1].replace('""', '"') for row in rows for value in row}
        read = values_of(found, width)
        assert read == rows or read == [
            [quoted[v] if len(v) > 1 and v[0] == v[-1] == '"' else v for v in row] for row in rows
        ]


@given(content=st.binary(max_size=40) | st.text('ab,\t"\n\r;\0é', max_size=30).map(str.encode))
@pytest.mark.parametrize("name", ["r.csv", "r.tsv"])
def test_any_content_is_rows_or_one_line_that_names_the_file(name: str, content: bytes) -> None:
    rows_or_told(content, name, ("a", "b"))


PAIRS = """\
one\ttwo\tlabel
"Rain fell over the valley\tThe shop opened\t0
They built a "bridge\tThey built it\t1
"Rain fell again\t"The shop "opened"\t0
the end"\tso they say"\t1
"""


def test_tsv_with_open_quotes_keeps_its_rows_and_its_quotes() -> None:
    raw = read_back(PAIRS.encode(), "r.tsv", ("one", "label"))
    assert raw.table["label"].to_pylist() == ["0", "1", "0", "1"]
    assert raw.table["one"].to_pylist()[0] == '"Rain fell over the valley'


def test_tsv_whose_quotes_all_enclose_values_is_unquoted() -> None:
    content = b'a\tb\n"x ""y"""\t"1"\n"two\nlines\tand a tab"\t2\n'
    assert read_back(content, "r.tsv", ("a", "b")).table.to_pylist() == [
        {"a": 'x "y"', "b": "1"},
        {"a": "two\nlines\tand a tab", "b": "2"},
    ]


def test_quoted_value_of_a_csv_may_have_several_lines() -> None:
    content = b'a,b\n"x\ny, z",1\n"x\r\ny",2\n'
    assert read_back(content, "r.csv", ("a",)).table["a"].to_pylist() == ["x\ny, z", "x\r\ny"]


def test_every_value_of_a_csv_is_the_text_that_is_written() -> None:
    content = 'a,b\nNA,\nnull,""\n 007 ,1e3\n5" pipe,nan\n'.encode("utf-8-sig")
    assert read_back(content, "r.csv", ("a", "b")).table.to_pylist() == [
        {"a": "NA", "b": ""},
        {"a": "null", "b": ""},
        {"a": " 007 ", "b": "1e3"},
        {"a": '5" pipe', "b": "nan"},
    ]


def test_empty_lines_are_rows_only_between_the_rows_of_one_column() -> None:
    assert read_back(b"\na,b\n\n1,2\n\n\n", "r.csv", ("a",)).table["a"].to_pylist() == ["1"]
    single = read_back(b"a\nx\n\ny\n\n", "r.csv", ("a",)).table["a"].to_pylist()
    assert single == ["x", "", "y"]


def test_values_of_any_length_are_read() -> None:
    long = "x" * 300_000
    assert read_back(f'a,b\n"{long}",1\n'.encode(), "r.csv", ("a",)).table["a"].to_pylist() == [
        long
    ]


def test_column_without_a_name_is_passed_over() -> None:
    raw = read_back(b",a,\n0,x,\n", "r.csv", ("a", ""))
    assert (raw.columns, raw.table.column_names) == (("a",), ["a"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", 'a,b\n1,2\n"x,1\ny,2\n', r"r\.csv:3: opens a quote that is not closed"),
        ("r.csv", 'a,b\n"x" y,2\n', r"r\.csv:2: a quote closes before ` y,2"),
        ("r.csv", 'a,b\n"x,1\n"y,2\n', r"r\.csv:2: a quote closes before `y,2"),
        ("r.csv", 'a,b\n"x,1\ny",2\n', r"r\.csv:2: opens a quote that a later line closes"),
        ("r.csv", 'a,b\nx,"1\ny,2"\n', r"r\.csv:2: opens a quote that a later line closes"),
        ("r.tsv", 'a\tb\nx\t"1\ny\t2"\n', r"r\.tsv:2: opens a quote that a later line closes"),
        ("r.csv", "a,b\n1,2\n1,2,3\n", r"r\.csv:3: has 3 values, but the header has 2 \(a, b\)"),
        ("r.tsv", 'a\tb\n"x\t1\ny\n', r"r\.tsv:3: has 1 values, but the header has 2 \(a, b\)"),
        ("r.csv", "a,b,a\n1,2,3\n", r"r\.csv: two columns have the same name, `a`"),
        ("r.csv", "", r"r\.csv: is empty; must have a header line"),
        ("r.csv", "a;b\n1,5;2\n", "separated by `;`, a .csv file must have commas; save it"),
        ("r.tsv", "a|b\n1|2\n", r"separated by `\|`, a \.tsv file must have tabs; save it with"),
        ("r.csv", "a\tb\n1\t2\n", "separated by tabs, .* name it .tsv"),
        ("r.tsv", "a,b\n1,2\n", "separated by commas, .* name it .csv"),
        ("r.csv", "a,b\n1,2\0\n", r"r\.csv:2: holds a NUL character"),
    ],
)
def test_what_is_no_row_is_told_with_its_line(name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_back(content.encode(), name, ("a",))

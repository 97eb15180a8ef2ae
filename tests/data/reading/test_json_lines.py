"""JSON lines: values keep their types, and whatever is no row is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.data.reading.rows_made import json_rows, read_back, rows_or_told
from xstilts.errors import DataError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(["\ud800", 2**63, -(2**70), 1e308, "-1", "[", "data"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abt"), inner),
    max_leaves=6,
)


@given(rows=json_rows(), form=st.sampled_from(["lines", "array", "indented", "ascii", "crlf"]))
def test_json_rows_come_back_as_they_were_written(rows: list[dict[str, Any]], form: str) -> None:
    if form in ("array", "indented"):
        text = json.dumps(rows, indent=2 if form == "indented" else None)
    else:
        end = "\r\n" if form == "crlf" else "\n"
        text = end.join(json.dumps(row, ensure_ascii=form == "ascii") for row in rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    raw = read_back(text.encode(), "r.json", names)
    assert raw.table.num_rows == len(rows)
    assert set(raw.columns) == set(names)
    for name in names:
        assert raw.table[name].to_pylist() == [row.get(name) for row in rows]


@given(rows=st.lists(st.dictionaries(st.sampled_from("abt"), JSON, max_size=3), max_size=4))
def test_json_of_any_values_is_rows_or_one_line_that_names_the_file(rows: list[Any]) -> None:
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    found = rows_or_told(content, "r.jsonl", ("a", "b", "t"))
    assert isinstance(found, str) or found.table.num_rows == len(rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"r\.jsonl: is empty"),
        ('{"a": "x"}\n{"a": "\\ud800"}\n', r"jsonl:2: column `a` holds half of a character"),
        ('{"a": 1}\n{"a": 9223372036854775808}\n', r"jsonl:2: column `a` holds 92233.* 64 bits"),
        ('{"a": 1}\n\n{"a": "x"}\n', r"jsonl:3: column `a` holds 'x', and in r\.jsonl:1 1; a"),
        ('{"a": 0.5}\n{"a": true}\n', r"jsonl:2: column `a` holds True, and in r\.jsonl:1 0\.5"),
        ('{"a": ["x"]}\n{"a": [1]}\n', r"jsonl:2: column `a` holds \[1\], and in"),
        ('{"a": 1, "a": 2}\n', r"jsonl:1: an object has the key 'a' twice"),
        ('{"a": Infinity}\n', r"column `a`, row 1, .*infinite"),
        ('{"\\ud800": 1}\n', "a key, .* is half of a character"),
        ("{}\n", r"jsonl:1: is an object without a key"),
        ("1\n", r"jsonl:1: is a JSON int; must be one object"),
        ("[1]\n[2]\n", r"jsonl:1: is a JSON list; must be one object"),
        ('{"a": 1}\n{"a": \n', r"jsonl:2: not JSON \(.*\); must be one object on each line"),
        ("[" * 100_000, "is nested too deeply"),
        ('[{"a": 1},\n {"a": }]', r"r\.jsonl: not JSON .*in line 2"),
        (
            '{"data": [{"paragraphs": []}]}',
            "SQuAD document, not rows; set `file_format: squad_json`",
        ),
        (
            '{"data":\n[{"paragraphs": []}]}',
            "SQuAD document, not rows; set `file_format: squad_json`",
        ),
        (
            '{"data": [{"paragraphs": [{"sentence_breaks": []}]}]}',
            "SQuAD document, not rows; set `file_format: xquad_r`",
        ),
        ('{"a":\n1}', "is one JSON object; must be one object on each line, or one array"),
        ('{"a": {"0": "x", "1": "y"}, "b": {"0": 1, "1": 2}}', "is written by columns"),
        ('{"a": "x\0"}', r"jsonl:1: holds a NUL character"),
    ],
)
def test_json_that_is_no_rows_is_told_with_its_place(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_back(content.encode(), "r.jsonl", ("a", "b"))


def test_what_is_wrong_in_a_column_that_is_not_read_does_no_harm() -> None:
    content = b'{"a": "x", "b": 1}\n{"a": "y", "b": "\\ud800"}\n'
    assert read_back(content, "r.jsonl", ("a",)).table["a"].to_pylist() == ["x", "y"]


def test_nan_is_a_missing_value_and_a_line_end_is_only_a_line_end() -> None:
    content = '{"a": "x\u2028y\u0085z"}\n{"a": NaN}\n'.encode()
    assert read_back(content, "r.jsonl", ("a",)).table["a"].to_pylist() == ["x\u2028y\u0085z", None]


def test_truth_values_stay_truth_values() -> None:
    table = read_back(b'{"a": true}\n{"a": false}\n', "r.jsonl", ("a",)).table
    assert str(table.schema.field("a").type) == "bool"

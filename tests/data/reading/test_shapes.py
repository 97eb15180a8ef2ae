"""Roles of columns by their names and values; `test_guesses` has whole files of each format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.worlds import write_jsonl
from xstilts.data.reading.shapes import Rows, number, shape_of
from xstilts.errors import DataError


def shaped(tmp_path: Path, rows: list[dict[str, Any]], **given: str) -> tuple[str, dict[str, str]]:
    shape = shape_of(Rows.of(write_jsonl(tmp_path / "a.jsonl", rows)), None, given)
    return shape.format, shape.columns


def test_commoner_name_goes_first_and_a_column_has_one_role(tmp_path: Path) -> None:
    row = {"content": "long long text", "sentence": "s", "class": "a", "title": "b"}
    rows = [row, {**row, "class": "c"}]
    assert shaped(tmp_path, rows) == ("classification", {"text": "sentence", "label": "class"})


def test_given_column_goes_before_the_guess(tmp_path: Path) -> None:
    rows = [{"text": "a", "body": "b", "label": "x"}, {"text": "c", "body": "d", "label": "y"}]
    found = shaped(tmp_path, rows, text="body")
    assert found == ("classification", {"text": "body", "label": "label"})


def test_lists_of_other_lengths_are_no_tags(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't tell what these rows are for"):
        shaped(tmp_path, [{"tokens": ["a", "b"], "tags": ["x"]}])


def test_file_says_what_it_is_where_its_suffix_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\tX\nb\tY\n")
    rows = Rows.of(tmp_path / "a.txt")
    assert rows.file_format == "conll" and rows.columns["tags"] == [["X", "Y"]] and rows.count == 1
    (tmp_path / "b.txt").write_text('{"text": "a"}\n')
    assert Rows.of(tmp_path / "b.txt").file_format == "jsonl"


@pytest.mark.parametrize(
    ("value", "read"), [("1.5", 1.5), (2, 2.0), (True, None), ("x", None), (None, None)]
)
def test_number_is_what_reads_as_one(value: Any, read: float | None) -> None:
    assert number(value) == read

"""Parquet files of many types, damaged ones, and files that number their labels differently."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from tests.data.reading.rows_made import json_rows, read_back, rows_or_told
from xstilts.data.reading import readers
from xstilts.errors import DataError


def parquet(table: Any) -> bytes:
    """A table as the content of a file."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@given(rows=json_rows())
def test_parquet_rows_come_back_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = {name: pa.array([row.get(name) for row in rows]) for name in names}
    raw = read_back(parquet(pa.table(arrays)), "r.parquet", names)
    for name in names:
        assert raw.table[name].to_pylist() == arrays[name].to_pylist()


@given(place=st.integers(0, 700), byte=st.integers(0, 255))
def test_damaged_parquet_is_rows_or_one_line(place: int, byte: int) -> None:
    content = bytearray(parquet(pa.table({"a": ["x", "yy"], "b": [1, 2]})))
    content[place % len(content)] = byte
    found = rows_or_told(bytes(content), "r.parquet", ("a", "b"))
    assert isinstance(found, str) or found.table.num_columns


def test_dotted_name_is_a_column_before_it_is_a_field() -> None:
    table = pa.table({"a": [{"b": 1}], "a.b": ["x"]})
    raw = read_back(parquet(table), "r.parquet", ("a.b",))
    assert raw.table.to_pylist() == [{"a.b": "x"}]


def test_two_columns_of_one_name_are_told() -> None:
    table = pa.table([[1], [2]], names=["a", "a"])
    with pytest.raises(DataError, match="two columns have the same name, `a`"):
        readers_of(parquet(table))


def readers_of(content: bytes) -> Any:
    """What is read of column a."""
    return read_back(content, "r.parquet", ("a",))


def test_categories_are_their_texts() -> None:
    table = pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()})
    assert readers_of(parquet(table)).table["a"].to_pylist() == ["x", "y", "x"]


# -- label names, file by file


def labelled(path: Path, names: list[str] | None, **columns: list[Any]) -> Path:
    """A file as `datasets` writes it, with these names for the ids of `label`; None: plain ids."""
    import datasets

    features = datasets.Features(
        {
            name: datasets.ClassLabel(names=names)
            if names and name == "label"
            else [datasets.ClassLabel(names=names)]
            if names and name == "tags"
            else datasets.Value("int64" if name == "label" else "string")
            for name in columns
        }
    )
    datasets.Dataset.from_dict(columns, features=features).to_parquet(str(path))
    return path


def test_files_that_number_their_labels_differently_are_joined_by_name(tmp_path: Path) -> None:
    one = labelled(tmp_path / "1.parquet", ["neg", "pos"], label=[0, 1, -1])
    two = labelled(tmp_path / "2.parquet", ["pos", "neg", "mid"], label=[0, 1, 2])
    raw = readers.read([one, two], None, ("label",))
    assert raw.table["label"].to_pylist() == ["neg", "pos", None, "pos", "neg", "mid"]
    assert raw.classes == {"label": ("neg", "pos", "mid")}
    assert raw.hidden == {"label"}


def test_tags_that_are_numbered_differently_are_joined_by_name(tmp_path: Path) -> None:
    one = labelled(tmp_path / "1.parquet", ["O", "B"], tags=[[0, 1]])
    two = labelled(tmp_path / "2.parquet", ["B", "O"], tags=[[0], []])
    raw = readers.read([one, two], None, ("tags",))
    assert raw.table["tags"].to_pylist() == [["O", "B"], ["B"], []]


@pytest.mark.parametrize("other", [{"label": [0]}, {"text": ["x"]}])
def test_file_without_names_beside_one_with_names_is_told(
    tmp_path: Path, other: dict[str, list[Any]]
) -> None:
    one = labelled(tmp_path / "1.parquet", ["neg", "pos"], label=[0])
    two = labelled(tmp_path / "2.parquet", None, **other)
    for order in ([one, two], [two, one]):
        with pytest.raises(
            DataError, match=r"1\.parquet states names for .* `label`, \S+2\.parquet"
        ):
            readers.read(order, None, ("label",))


def test_file_with_names_as_texts_beside_one_with_names_for_ids_is_joined(tmp_path: Path) -> None:
    one = labelled(tmp_path / "1.parquet", ["neg", "pos"], label=[1])
    (tmp_path / "2.jsonl").write_text('{"label": "neg"}\n')
    raw = readers.read([one, tmp_path / "2.jsonl"], None, ("label",))
    assert raw.table["label"].to_pylist() == ["pos", "neg"]

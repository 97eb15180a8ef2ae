"""Names that a Parquet file states for its label ids, at any depth, and ids that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xstilts.data.reading.class_names import features_of, named
from xstilts.errors import DataError

LABEL = {"names": ["neg", "pos"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    ("values", "feature", "names", "key"),
    [
        ([1, 0, -1], LABEL, ["pos", "neg", None], "c"),
        ([[1, -1], [], None], [LABEL], [["pos", None], [], None], "c"),
        ([[1, 0]], {"feature": LABEL, "_type": "Sequence"}, [["pos", "neg"]], "c"),
        ([[1, 0]], {"feature": LABEL, "length": 2, "_type": "List"}, [["pos", "neg"]], "c"),
        ([[1]], {"feature": LABEL, "_type": "LargeList"}, [["pos"]], "c"),
        ([[[1], [0]]], [{"feature": LABEL, "_type": "List"}], [[["pos"], ["neg"]]], "c"),
        ([{"k": 1, "t": 0}], {"k": LABEL, "t": {"dtype": "int64"}}, [{"k": "pos", "t": 0}], "c.k"),
        ([{"k": 1}, None, {"k": 0}], {"k": LABEL}, [{"k": "pos"}, None, {"k": "neg"}], "c.k"),
        ([[{"k": 1}]], [{"k": LABEL}], [[{"k": "pos"}]], "c.k"),
        (
            [{"k": [1, 0]}],
            {"feature": {"k": LABEL}, "_type": "Sequence"},
            [{"k": ["pos", "neg"]}],
            "c.k",
        ),
    ],
)
def test_ids_become_names_wherever_they_are_stated(
    values: list[Any], feature: Any, names: list[Any], key: str
) -> None:
    found, stated = named(pa.chunked_array([pa.array(values)]), feature, "c", "f.parquet")
    assert found.to_pylist() == names
    assert stated == {key: ("neg", "pos")}


@pytest.mark.parametrize(
    "feature", [None, {"dtype": "int64", "_type": "Value"}, [], "x", {"names": 1}]
)
def test_columns_without_names_stay_as_they_are(feature: Any) -> None:
    column = pa.chunked_array([pa.array([0, 7])])
    assert named(column, feature, "c", "f.parquet") == (column, {})


def test_texts_stay_texts_whatever_is_stated() -> None:
    column = pa.chunked_array([pa.array(["pos"])])
    assert named(column, LABEL, "c", "f.parquet") == (column, {})


@pytest.mark.parametrize(
    ("values", "feature", "message"),
    [
        (
            [0, 2],
            LABEL,
            "f.parquet: column `c`, row 2: has the id 2, and the file names only 0 to 1",
        ),
        ([[0], [1, -2]], [LABEL], "column `c`, row 2: has the id -2"),
        ([0, None], LABEL, "column `c`, row 2: has no label; a hidden one is -1"),
    ],
)
def test_id_without_a_name_is_told_with_its_row(
    values: list[Any], feature: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        named(pa.chunked_array([pa.array(values)]), feature, "c", "f.parquet")


def schema(value: Any) -> dict[bytes, bytes]:
    """Metadata as `datasets` writes it."""
    return {b"huggingface": json.dumps(value).encode()}


def test_features_are_those_of_the_schema() -> None:
    here = Path("f.parquet")
    assert features_of(schema({"info": {"features": {"c": LABEL}}}), here) == {"c": LABEL}
    for other in (None, {}, schema({}), schema({"info": {"features": None}})):
        assert features_of(other, here) == {}


@pytest.mark.parametrize("metadata", [{b"huggingface": b"{"}, schema([1]), schema({"info": 3})])
def test_features_that_cannot_be_read_are_told(metadata: dict[bytes, bytes]) -> None:
    with pytest.raises(DataError, match=r"f\.parquet: what `datasets` wrote into its schema"):
        features_of(metadata, Path("f.parquet"))

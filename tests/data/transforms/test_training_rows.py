"""Training rows, transformed: which rows, in which order, in which language."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.support import transform_worlds as worlds
from xstilts.data.transforms.training_rows import apply, expected_rows
from xstilts.errors import DataError
from xstilts.spec.task import Task
from xstilts.spec.transforms import Transform

ROWS = [{"text": f"word {i}", "label": "a"} for i in range(12)]


def table() -> pa.Table:
    """Rows under their roles, labels as ids."""
    return pa.table({"text": [row["text"] for row in ROWS], "label": [0] * len(ROWS)})


def task(folder: Path, **transform: object) -> Task:
    return worlds.task(folder, "classification", ROWS, {"pseudo": {}, **transform})


def test_rows_without_a_transform_come_back_as_they_are(tmp_path: Path) -> None:
    plain = task(tmp_path).model_copy(update={"transform": None})
    rows = table()
    assert apply(rows, plain, "en", worlds.context(tmp_path)) is rows
    assert expected_rows(12, plain) == 12


def test_table_without_rows_comes_back_as_it_is(tmp_path: Path) -> None:
    empty = table().slice(0, 0)
    assert apply(empty, task(tmp_path), "en", worlds.context(tmp_path)) is empty


def test_added_rows_follow_those_of_the_source(tmp_path: Path) -> None:
    added = task(tmp_path, add=True, share=0.5)
    made = apply(table(), added, "en", worlds.context(tmp_path))
    assert made.slice(0, 12).equals(table())
    assert 12 < made.num_rows < 24 and expected_rows(12, added) == 18
    assert made.schema == table().schema


def test_rows_of_another_language_are_drawn_apart(tmp_path: Path) -> None:
    half = task(tmp_path, share=0.5)
    made = {one: apply(table(), half, one, worlds.context(tmp_path)) for one in ("en", "sw")}
    assert not made["en"].equals(made["sw"])


def test_what_a_transform_lacks_is_told_before_a_row_is_read(tmp_path: Path) -> None:
    lacking = task(tmp_path).model_copy(
        update={"transform": Transform(lookup={"files": ("none.csv",), "languages": ("de",)})}
    )
    with pytest.raises(DataError, match=r"none\.csv: nothing there"):
        apply(table(), lacking, "en", worlds.context(tmp_path))

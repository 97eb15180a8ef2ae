"""Rows as hashes of their normalised text: what is made alike, what stays apart, how fast."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.checks.audit.leak_worlds import PAIR, sentence, task
from tests.support.worlds import context, review_task, review_world
from xstilts.checks.audit.fingerprints import fingerprints, hashes, identity, normal
from xstilts.data.reading import tables


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("  The  Cat\tsat. ", "the cat sat"),
        ("ｆｕｌｌ ｗｉｄｔｈ！", "full width"),  # NFKC
        ("don't–stop", "don t stop"),
        ("กำลังไป", "กําลังไป"),  # Thai vowels and tone marks stay; NFKC takes the sara am apart
        ("...", ""),
    ],
)
def test_normal_form(written: str, normalised: str) -> None:
    assert normal(pa.chunked_array([[written]])).to_pylist() == [normalised]


def test_row_hashes_tell_where_one_text_ends() -> None:
    table = pa.table(
        {"text": ["one two", "one"], "text_pair": ["three", "two three"], "label": [0, 0]}
    )
    one, other = hashes(table, task("x", columns=PAIR))["row"][:, 0]
    assert one != other


def test_hashes_of_many_rows_take_seconds() -> None:
    rows = 100_000
    table = pa.table(
        {
            "text": [
                f"{sentence(i)} It is told in row {i} of many rows, at some length."
                for i in range(rows)
            ],
            "text_pair": [sentence(-i) for i in range(rows)],
            "label": np.zeros(rows, np.int64),
        }
    )
    began = time.perf_counter()
    found = hashes(table, task("x", columns=PAIR))["row"]
    assert time.perf_counter() - began < 5
    assert len(np.unique(found)) == rows


def test_rows_that_are_read_in_another_way_have_other_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review_world(tmp_path)
    before = identity(review_task(), "test", "en", context(tmp_path))
    monkeypatch.setattr(tables, "ROWS_VERSION", tables.ROWS_VERSION + 1)
    assert identity(review_task(), "test", "en", context(tmp_path)) != before


@pytest.mark.parametrize("damage", [b"", b"PK", b"nonsense"])
def test_damaged_hashes_are_ignored_and_written_again(damage: bytes, tmp_path: Path) -> None:
    review_world(tmp_path)
    one, where = review_task(), context(tmp_path)
    first = fingerprints(one, "train", "en", where)
    (file,) = (Path(where.cache) / "fingerprints").iterdir()
    assert file.stem == identity(one, "train", "en", where)
    file.write_bytes(damage)
    again = fingerprints(one, "train", "en", where)
    assert all((again[kind] == first[kind]).all() for kind in first)
    assert file.read_bytes() != damage

"""Rows as hashes of their normalised text: what is made alike, what stays apart, how fast."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest

from tests.checks.audit.leak_worlds import PAIR, sentence, task
from xstilts.checks.audit.fingerprints import hashes, normal


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

"""Vectors of a sweep: the same in a file as in memory, and a full disk is an error."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xstilts.evaluation.vector_store import Scratch, VectorStore
from xstilts.formats.embedding import SweptVectors, variant


def swept(number: int) -> SweptVectors:
    drawn = np.random.default_rng(number).normal(size=(4, 8))
    return SweptVectors(drawn[0].astype(np.float32), drawn[1:].astype(np.float16))


def in_folder(folder: Path) -> Scratch:
    """Scratch space that is this folder."""
    return lambda: nullcontext(folder)


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_shelf_gives_back_what_it_was_given(tmp_path: Path, limit: int) -> None:
    vectors, order = VectorStore(5, in_folder(tmp_path), limit), [3, 1, 0, 4, 2]
    kept = {number: vectors.keep(number, swept(number)) for number in order}
    for number in range(4):
        found = variant([kept[i] for i in range(5)], number)
        expected = variant([swept(i) for i in range(5)], number)
        assert all(np.array_equal(left, right) for left, right in zip(found, expected, strict=True))
    assert list(tmp_path.iterdir()) == []  # the file has no name


def test_shelf_leaves_what_is_no_sweep(tmp_path: Path) -> None:
    one = np.ones(3, dtype=np.float32)
    assert VectorStore(1, in_folder(tmp_path), 0).keep(0, one) is one


def test_shelf_says_at_once_that_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, offset: int, length: int) -> Any:
        assert length == 1_000_000 * 3 * 8 * 2
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        VectorStore(1_000_000, in_folder(tmp_path), 0).keep(0, swept(0))

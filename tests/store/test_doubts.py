"""Doubts that a run keeps for the report."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from xstilts.errors import CorruptError
from xstilts.store.doubts import Doubt, keep_doubts, read_doubts

ONE = Doubt(task="mail", message="label `x` has no training row; « ü »")


def test_doubts_are_read_as_they_were_kept_and_replaced_by_the_next_run(tmp_path: Path) -> None:
    assert read_doubts(tmp_path) == ()
    keep_doubts(tmp_path, [ONE, ONE])
    assert read_doubts(tmp_path) == (ONE, ONE)
    keep_doubts(tmp_path, [])
    assert read_doubts(tmp_path) == ()


@pytest.mark.parametrize(
    "content", ["{", "5", "[1]", '[{"task": "a"}]', '[{"task": "a", "message": 5}]']
)
def test_a_damaged_file_says_who_writes_it_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "doubts.json").write_text(content)
    with pytest.raises(CorruptError, match=r"damaged .*; `xstilts run` writes it again"):
        read_doubts(tmp_path)


def test_a_doubt_is_written_with_its_task() -> None:
    assert str(ONE) == "mail: label `x` has no training row; « ü »"


def test_flipped_or_cut_doubts_are_an_error_and_never_others(tmp_path: Path) -> None:
    keep_doubts(tmp_path, [ONE])
    file = tmp_path / "doubts.json"
    whole, rng = file.read_bytes(), random.Random(5)
    for _ in range(150):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place]):
            file.write_bytes(damaged)
            with suppress(CorruptError):
                assert read_doubts(tmp_path) == (ONE,)  # a space became another one

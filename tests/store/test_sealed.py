"""JSON values with a digest."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from xstilts.store.sealed import read_sealed, write_sealed


@pytest.mark.parametrize(
    "value", [None, 0, 1.5, "ä \udcff", [], {"b": [1, {"c": None}], "a": "x"}, {"1": 2}]
)
def test_value_comes_back_as_it_was(tmp_path: Path, value: Any) -> None:
    write_sealed(tmp_path / "a", value)
    assert read_sealed(tmp_path / "a") == value


def test_keys_that_are_numbers_are_texts_when_read(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a", {1: 2})
    assert read_sealed(tmp_path / "a") == {"1": 2}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"7",
        b"[]",
        b"{}",
        b'{"value": 7}',
        b'{"digest": "", "value": 7}',
        b"\xff",
        b"[" * 10**5,
    ],
    ids=lambda content: repr(content[:9]),
)
def test_content_without_its_digest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError):
        read_sealed(tmp_path / "a")


def test_no_flip_and_no_cut_gives_another_value(tmp_path: Path) -> None:
    value = {"metric": "accuracy", "seeds": [1, 2, 3], "lr": 3e-05, "note": "two words"}
    file = tmp_path / "a"
    write_sealed(file, value)
    whole, rng = file.read_bytes(), random.Random(4)
    refused = 0
    for _ in range(500):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place]):
            file.write_bytes(damaged)
            try:
                assert json.dumps(read_sealed(file), sort_keys=True) == json.dumps(
                    value, sort_keys=True
                )
            except ValueError:
                refused += 1
    assert refused > 900

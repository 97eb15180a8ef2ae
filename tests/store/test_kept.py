"""What was found out once, kept under what decides it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from xstilts.errors import DataError
from xstilts.store.kept import kept, names, number_of_rows


class Found:
    """Counts how often it is asked."""

    def __init__(self, value: int = 7) -> None:
        self.value, self.asked = value, 0

    def __call__(self) -> int:
        self.asked += 1
        return self.value


def test_second_time_nothing_is_found_out_again_unless_something_else_decides_it(
    tmp_path: Path,
) -> None:
    find = Found()
    for _ in range(3):
        assert kept(tmp_path / "counts", ["a", 1], find, number_of_rows) == 7
    assert find.asked == 1
    assert kept(tmp_path / "counts", ["a", 2], Found(8), number_of_rows) == 8
    assert kept(tmp_path / "counts", ["a", 1], find, number_of_rows) == 7


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"null", b"-1", b"true", b'"7"', b"[7]", b"\xff\x00", b"7.0"]
)
def test_damaged_file_is_ignored_and_written_again(damage: bytes, tmp_path: Path) -> None:
    find = Found()
    kept(tmp_path, "a", find, number_of_rows)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert kept(tmp_path, "a", find, number_of_rows) == 7
    assert (find.asked, file.read_bytes()) == (2, whole)


def test_nothing_is_written_by_who_only_looks_or_where_nothing_was_found(tmp_path: Path) -> None:
    assert kept(tmp_path / "counts", "a", Found(), number_of_rows, keep=False) == 7

    def find() -> int:
        raise DataError("gone")

    with pytest.raises(DataError):
        kept(tmp_path / "counts", "a", find, number_of_rows)
    assert not (tmp_path / "counts").exists()


def test_value_that_is_no_json_is_written_as_one(tmp_path: Path) -> None:
    def find() -> Path:
        return tmp_path

    for _ in range(2):
        assert kept(tmp_path / "k", "a", find, Path, written=str) == tmp_path


def test_names_are_a_list_of_texts() -> None:
    assert names(["a", "b"]) == ["a", "b"] and names([]) == []
    for other in ("ab", None, [1], {"a": 1}):
        with pytest.raises(ValueError):
            names(other)


def test_flipped_or_cut_value_is_found_out_again_and_never_believed(tmp_path: Path) -> None:
    table = ["entailment", "neutral", "contradiction"]
    kept(tmp_path, "a", lambda: table, names)
    (file,) = tmp_path.iterdir()
    whole, rng = file.read_bytes(), random.Random(2)
    for _ in range(150):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place]):
            file.write_bytes(damaged)
            assert kept(tmp_path, "a", lambda: table, names) == table

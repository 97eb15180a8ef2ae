"""Chained lines: what is noticed, what a crash may leave, who may write.

What happens to the two files that are kept so: `test_ledger`, `driver/test_mended_books`.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store.chained import FIRST, Chained, line_of, read_line


def written(folder: Path, lines: int = 5) -> Chained:
    file = Chained(folder / "a.jsonl")
    file.append(*({"n": number} for number in range(lines)))
    return file


def numbers(path: Path) -> list[int]:
    return [row["n"] for row in Chained(path).read().rows]


def test_line_is_json_that_names_its_own_sum_and_the_one_before() -> None:
    line, own = line_of({"a": "ü\n"}, FIRST)
    assert line.endswith(b'"}\n') and line.count(b"\n") == 1
    assert json.loads(line) == {"a": "ü\n", "after": FIRST, "sum": own}
    assert read_line(line[:-1]) == ({"a": "ü\n"}, FIRST, own)


def test_file_that_is_not_there_is_empty_and_good(tmp_path: Path) -> None:
    found = Chained(tmp_path / "a.jsonl").read()
    assert (found.rows, found.unbroken, found.bad, found.faults) == ([], 0, (), ())
    assert list(tmp_path.iterdir()) == []


def test_several_writers_one_after_the_other_make_one_chain(tmp_path: Path) -> None:
    for number in range(4):
        file = Chained(tmp_path / "a.jsonl")
        file.read()
        file.append({"n": number})
    found = Chained(tmp_path / "a.jsonl").read()
    assert numbers(tmp_path / "a.jsonl") == [0, 1, 2, 3]
    assert (found.unbroken, found.faults) == (4, ())


def test_rows_before_the_damage_are_known_to_be_all_there_were(tmp_path: Path) -> None:
    file = written(tmp_path)
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    found = Chained(file.path).read()
    assert [row["n"] for row in found.rows] == [0, 1, 3, 4]
    assert found.unbroken == 2 and "1 of 5 lines is lost" in found.faults


def test_lines_of_two_writers_at_once_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, 2)
    last = read_line(file.path.read_bytes().splitlines()[-1])
    assert last is not None
    for number in (7, 8):
        with open(file.path, "ab") as content:
            content.write(line_of({"n": number}, last.sum)[0])
    found = Chained(file.path).read()
    assert "two processes have written it at once" in found.faults and found.unbroken == 2
    assert numbers(file.path) == [0, 1, 7, 8]


@pytest.mark.parametrize("torn", [1, 30])
def test_what_a_full_disk_has_left_of_a_line_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    file = written(tmp_path, 2)
    real = os.fsync

    def full(handle: int) -> None:
        os.ftruncate(handle, os.fstat(handle).st_size - torn)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for _ in range(3):
        with pytest.raises(StoreError, match="the disk is full"):
            file.append({"n": 2})
    monkeypatch.setattr(os, "fsync", real)
    assert Chained(file.path).read().faults == ()
    file.append({"n": 3})
    assert numbers(file.path) == [0, 1, 3] and Chained(file.path).read().faults == ()


def test_line_of_another_program_is_an_error_unless_the_file_is_shared(tmp_path: Path) -> None:
    path = written(tmp_path, 2).path
    for shared in (False, True):
        file = Chained(path, shared=shared)
        file.read()
        with open(path, "ab") as content:
            content.write(b'{"n": 99}\n')
        if shared:
            file.append({"n": 2})
        else:
            with pytest.raises(StoreError, match="another process writes it too"):
                file.append({"n": 2})
    assert numbers(path) == [0, 1, 2]


def test_mended_file_is_good_and_the_damaged_one_is_kept_whole(tmp_path: Path) -> None:
    file = written(tmp_path)
    damaged = file.path.read_bytes()[40:]
    file.path.write_bytes(damaged)
    found = file.read()
    where = file.mend(found.rows)
    (aside,) = tmp_path.glob("a.damaged-*.jsonl")
    assert str(aside) in where and aside.read_bytes() == damaged
    assert numbers(file.path) == [1, 2, 3, 4] and Chained(file.path).read().faults == ()
    file.append({"n": 5})
    assert numbers(file.path) == [1, 2, 3, 4, 5]


def test_head_that_is_a_folder_is_moved_away(tmp_path: Path) -> None:
    file = written(tmp_path)
    (tmp_path / "a.jsonl.head").unlink()
    (tmp_path / "a.jsonl.head").mkdir()
    found = file.read()
    assert "damaged or gone" in found.faults[0]
    file.mend(found.rows)
    assert Chained(file.path).read().faults == ()


def test_no_damage_of_any_place_is_taken_for_what_was_written(tmp_path: Path) -> None:
    file = written(tmp_path, 8)
    whole, rng = file.path.read_bytes(), random.Random(6)
    for _ in range(500):
        begin = rng.randrange(len(whole))
        end = min(len(whole), begin + rng.choice((1, 2, 40, 400)))
        put = rng.randbytes(rng.choice((0, 1, end - begin)))
        damaged = whole[:begin] + put + whole[end:]
        if damaged in (whole, whole[:-1]):
            continue
        file.path.write_bytes(damaged)
        found = Chained(file.path).read()
        assert found.faults
        assert {row["n"] for row in found.rows} <= set(range(8))
        assert [row["n"] for row in found.rows[: found.unbroken]] == list(range(found.unbroken))

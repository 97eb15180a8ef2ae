"""Size and hash of files: what differs is named, and what did not change is hashed once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from xstilts.store import sums
from xstilts.store.sums import FileSum

CONTENT = {"a": b"x" * 10, "sub/b": b"", "sub/deep/c": b"c"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1, 1))  # changed long ago
    (tmp_path / ".hidden").write_bytes(b"h")
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished/x").write_bytes(b"x")
    sums.forget()
    return tmp_path


@pytest.mark.parametrize("durable", [False, True])
def test_of_folder_has_all_files_but_hidden_ones(folder: Path, durable: bool) -> None:
    expected = {
        name: FileSum(len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    }
    assert sums.of_folder(folder, durable=durable) == expected
    assert {name: sums.of_bytes(content) for name, content in CONTENT.items()} == expected


def test_fault_names_the_first_file_that_differs(folder: Path) -> None:
    meant = sums.of_folder(folder)
    assert sums.fault(folder, meant) == ""
    assert sums.fault(folder, {**meant, "z": FileSum(0, "")}) == "z is missing"
    (folder / "sub/new").write_bytes(b"")
    assert sums.fault(folder, meant) == "sub/new is not a file of the phase"
    (folder / "sub/new").unlink()
    (folder / "a").write_bytes(b"x" * 9 + b"y")
    assert sums.fault(folder, meant) == "a is not as it was written (its hash differs)"
    (folder / "a").write_bytes(b"x" * 1234)
    assert sums.fault(folder, meant) == "a has 1,234 bytes instead of 10"


def test_fault_of_sizes_looks_at_names_and_sizes_alone() -> None:
    meant = {"a": FileSum(10, "s"), "b": FileSum(1, "t")}
    assert sums.fault_of_sizes({"a": 10, "b": 1}, meant) == ""
    assert sums.fault_of_sizes({"a": 10}, meant) == "b is missing"
    assert sums.fault_of_sizes({"a": 10, "b": 1, "c": 0}, meant) == "c is not a file of the phase"
    assert sums.fault_of_sizes({"a": 11, "b": 1}, meant) == "a has 11 bytes instead of 10"


def test_file_that_did_not_change_is_hashed_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = hashlib.file_digest

    def counted(file, name):  # type: ignore[no-untyped-def]
        read.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    before = sums.of_folder(folder)
    assert len(read) == 3
    assert sums.of_folder(folder) == before and len(read) == 3
    (folder / "a").write_bytes(b"y" * 10)
    assert sums.of_folder(folder)["a"] != before["a"] and len(read) == 4
    sums.forget()
    sums.of_folder(folder)
    assert len(read) == 7


def test_file_that_was_just_written_is_hashed_again(folder: Path) -> None:
    """A second change within the clock's tick would have the same time."""
    path = folder / "a"
    path.write_bytes(b"1" * 10)
    stamp = path.stat().st_mtime_ns
    first = sums.of_folder(folder)["a"]
    path.write_bytes(b"2" * 10)
    os.utime(path, ns=(stamp, stamp))
    assert sums.of_folder(folder)["a"] != first


def test_seal_follows_names_and_contents() -> None:
    one, two = FileSum(1, "a" * 64), FileSum(1, "b" * 64)
    seals = [sums.seal(s) for s in ({"x": one}, {"y": one}, {"x": two}, {"x": one, "y": two}, {})]
    assert len({*seals}) == 5
    assert sums.seal({"y": two, "x": one}) == seals[3]
    assert sums.below("model", {"model/x": one, "models/y": two, "predictions/z": two}) == {
        "x": one
    }

"""Hashes of files: of content alone, each file read once."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from xstilts.errors import DataError
from xstilts.store import hashes
from xstilts.store.hashes import content_hashes
from xstilts.store.sealed import read_sealed


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("a", "b")]
    for path in made:
        path.write_text(path.name)
    return made


def test_hashes_are_sha256_of_each_file_in_order(files: list[Path], tmp_path: Path) -> None:
    wanted = [hashlib.sha256(name.encode()).hexdigest() for name in ("b", "a")]
    assert content_hashes(files[::-1], str(tmp_path / "cache")) == wanted


def test_hashes_of_no_files_are_none_and_write_nothing(tmp_path: Path) -> None:
    assert content_hashes([], str(tmp_path / "cache")) == []
    assert not (tmp_path / "cache").exists()


def test_hashes_read_a_file_once_until_it_changes(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = hashes._sha256

    def counted(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(hashes, "_sha256", counted)
    before = content_hashes(files, str(tmp_path))
    assert content_hashes(files, str(tmp_path)) == before and read == ["a", "b"]
    files[1].write_text("longer")
    after = content_hashes(files, str(tmp_path))
    assert read == ["a", "b", "b"]
    assert after[0] == before[0] and after[1] != before[1]


@pytest.mark.parametrize("memory", [b"torn {", b"[1]"])
def test_hashes_do_without_a_memory_that_is_damaged(
    files: list[Path], tmp_path: Path, memory: bytes
) -> None:
    before = content_hashes(files, str(tmp_path / "cache"))
    (tmp_path / "cache/content-hashes.json").write_bytes(memory)
    assert content_hashes(files, str(tmp_path / "cache")) == before
    assert len(read_sealed(tmp_path / "cache/content-hashes.json")) == 2


def test_hashes_of_a_missing_file_name_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: cannot be read \(No such file"):
        content_hashes([tmp_path / "gone"], str(tmp_path))


def test_hashes_flipped_or_cut_memory_never_gives_another_identity(
    files: list[Path], tmp_path: Path
) -> None:
    meant = content_hashes(files, str(tmp_path / "cache"))
    memory = tmp_path / "cache/content-hashes.json"
    whole, rng = memory.read_bytes(), random.Random(3)
    for _ in range(150):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place]):
            memory.write_bytes(damaged)
            assert content_hashes(files, str(tmp_path / "cache")) == meant


def test_hashes_of_a_file_whose_name_is_no_unicode(tmp_path: Path) -> None:
    path = Path(str(tmp_path) + "/a\udcff")
    path.write_text("x")
    first = content_hashes([path], str(tmp_path / "cache"))
    assert content_hashes([path], str(tmp_path / "cache")) == first

"""Copies on one machine: fetched once, compared, bounded, never taken from who has them open."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from xstilts.errors import CorruptError, StoreError
from xstilts.store import sums
from xstilts.store.node_cache import SIZE_VARIABLE, NodeCache
from xstilts.store.sums import FileSum


def meant(letter: str, size: int = 1000) -> dict[str, FileSum]:
    return {"sub/x": sums.of_bytes(letter.encode() * size)}


class Filling:
    """Makes a folder, and counts how often."""

    def __init__(self, letter: str, size: int = 1000) -> None:
        self.content, self.times = letter.encode() * size, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "sub").mkdir()
        (folder / "sub/x").write_bytes(self.content)


def test_folder_is_filled_once_for_all(tmp_path: Path) -> None:
    fill, found = Filling("a"), []
    caches = [NodeCache(tmp_path) for _ in range(6)]
    threads = [
        threading.Thread(target=lambda one=one: found.append(one.opened(meant("a"), fill)))
        for one in caches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fill.times == 1 and len(set(found)) == 1
    assert (found[0] / "sub/x").read_bytes() == b"a" * 1000


def test_what_was_fetched_wrong_is_not_kept(tmp_path: Path) -> None:
    cache = NodeCache(tmp_path)
    with pytest.raises(CorruptError, match="sub/x is not as it was written"):
        cache.opened(meant("a"), Filling("b"))
    assert (cache.opened(meant("a"), Filling("a")) / "sub/x").read_bytes() == b"a" * 1000


def test_fetch_that_failed_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("")
        raise StoreError("away")

    with pytest.raises(StoreError, match="away"):
        NodeCache(tmp_path).opened(meant("a"), fails)
    assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_what_a_killed_process_left_half_fetched_is_removed(tmp_path: Path) -> None:
    seal = sums.seal(meant("a"))
    (tmp_path / f".{seal}.left").mkdir(parents=True)
    NodeCache(tmp_path).opened(meant("a"), Filling("a"))
    assert not list(tmp_path.glob(".*.left"))


def test_copies_that_were_opened_longest_ago_go_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, "0.0000025")
    paths = {}
    for age, letter in enumerate("abc"):
        paths[letter] = NodeCache(tmp_path).opened(meant(letter), Filling(letter))
        if paths[letter].exists():
            os.utime(paths[letter], (age, age))
    assert not paths["a"].exists() and paths["b"].exists() and paths["c"].exists()


def test_copy_that_a_process_has_open_is_never_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, "0.0000005")
    holder = NodeCache(tmp_path)
    held = holder.opened(meant("a"), Filling("a"))
    NodeCache(tmp_path).opened(meant("b"), Filling("b"))
    assert held.exists()
    NodeCache(tmp_path).drop(meant("a"))
    assert held.exists()
    del holder
    NodeCache(tmp_path).opened(meant("c"), Filling("c"))
    assert not held.exists()


def test_folder_that_is_put_need_not_be_fetched(tmp_path: Path) -> None:
    (made := tmp_path / "made/sub").mkdir(parents=True)
    (made / "x").write_bytes(b"a" * 1000)
    cache, fill = NodeCache(tmp_path / "copies"), Filling("a")
    cache.put(meant("a"), made.parent)
    assert (cache.opened(meant("a"), fill) / "sub/x").is_file()
    assert fill.times == 0 and not made.exists()


def test_size_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, "large")
    with pytest.raises(StoreError, match=f"{SIZE_VARIABLE}=large: must be a number of gigabytes"):
        NodeCache(tmp_path).opened(meant("a"), Filling("a"))

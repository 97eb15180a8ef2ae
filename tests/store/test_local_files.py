"""Local files: whole or not there, and what is said of a full disk."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store.local_files import write_json


def test_write_json_interrupted_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "record.json"
    write_json(file, {"a": 1})

    def broken(*names: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(StoreError, match="Input/output error"):
        write_json(file, {"a": 2})
    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_write_json_on_a_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a tiny disk needs root")
    try:
        write_json(disk / "record.json", {"a": 1})
        with pytest.raises(
            StoreError, match=r"the disk is full; free some space and run the same command again"
        ):
            write_json(disk / "record.json", {"a": "x" * 200_000})
        assert json.loads((disk / "record.json").read_text()) == {"a": 1}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_write_json_below_a_file_says_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match=r"store/a\.json: a file is where a folder must be"):
        write_json(tmp_path / "store" / "a.json", 1)

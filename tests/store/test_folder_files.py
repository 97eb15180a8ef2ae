"""Files in a folder: the contract, and what a disk can do to them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.files_contract import FilesContract, Pair
from tests.support.hostile import listing
from xstilts.errors import StoreError
from xstilts.store.folder_files import FolderFiles


class TestFolderFiles(FilesContract):
    """The contract."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> Pair:
        return FolderFiles(tmp_path / "store"), FolderFiles(tmp_path / "store")


def test_keep_of_a_folder_of_the_same_disk_copies_nothing(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    with files.scratch("p") as made:
        (made / "x").write_bytes(b"x")
        number = (made / "x").stat().st_ino
        files.keep(made, "p/model")
    assert (files.folder("p/model") / "x").stat().st_ino == number


def test_keep_of_a_folder_of_another_disk_copies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, other = FolderFiles(tmp_path / "store"), tmp_path / "elsewhere"
    other.mkdir()
    (other / "x").write_bytes(b"x")
    whole = Path.stat

    class Moved:
        def __init__(self, found: os.stat_result) -> None:
            self.found = found

        def __getattr__(self, name: str) -> object:
            return -1 if name == "st_dev" else getattr(self.found, name)

    def stat(path: Path, **given: bool) -> object:
        found = whole(path, **given)
        return Moved(found) if path == other else found

    monkeypatch.setattr(Path, "stat", stat)
    files.keep(other, "p/model")
    assert files.read("p/model/x") == b"x" and files.names("p") == ["model"]
    assert [path.name for path in (tmp_path / "store/p").iterdir()] == ["model"]


def test_write_is_readable_for_others_on_a_shared_disk(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    files.write("a", b"x")
    with files.scratch("p") as made:
        files.keep(made, "p/model")
    assert (tmp_path / "a").stat().st_mode & 0o044 == 0o044
    assert (tmp_path / "p/model").stat().st_mode & 0o055 == 0o055


def test_swap_that_was_killed_half_way_blocks_nobody(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from xstilts.store import folder_files
folder_files.FolderFiles.read = lambda files, name: os.kill(os.getpid(), signal.SIGKILL)
folder_files.FolderFiles(Path(sys.argv[1])).swap("lease", None, b"never")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    files = FolderFiles(tmp_path)
    assert (tmp_path / ".lock").exists() and files.read("lease") is None
    assert files.swap("lease", None, b"mine")


def test_swap_that_is_stopped_while_it_writes_blocks_nobody(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from xstilts.store import folder_files
folder_files._write_hidden = lambda path, content, durable: os.kill(os.getpid(), signal.SIGSTOP)
folder_files.FolderFiles(Path(sys.argv[1])).swap("lease", None, b"late")
"""
    stopped = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    try:
        os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
        assert FolderFiles(tmp_path).swap("lease", None, b"mine")
    finally:
        stopped.kill()
        stopped.wait()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["lease"]


def test_read_of_what_cannot_be_read_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "record.json").mkdir()
    with pytest.raises(StoreError, match=r"record\.json: can't be read"):
        FolderFiles(tmp_path).read("record.json")


@pytest.mark.parametrize("action", ["write", "swap", "keep", "scratch"])
def test_every_way_to_write_below_a_file_is_a_store_error(tmp_path: Path, action: str) -> None:
    (tmp_path / "file").write_text("")
    (made := tmp_path / "made").mkdir()
    files = FolderFiles(tmp_path)
    with pytest.raises(StoreError, match="file"):
        if action == "write":
            files.write("file/a", b"x")
        elif action == "swap":
            files.swap("file/a", None, b"x")
        elif action == "keep":
            files.keep(made, "file/a")
        else:
            with files.scratch("file/a"):
                pass


def test_has_of_a_file_that_the_disk_does_not_show_is_an_error_and_not_a_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(path: Path) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    files = FolderFiles(tmp_path)
    files.write("phases/a/record.json", b"{}")
    assert files.has("phases/a/record.json") and not files.has("phases/a")
    monkeypatch.setattr("xstilts.store.folder_files.os.stat", stale)
    with pytest.raises(StoreError, match=r"record\.json"):
        files.has("phases/a/record.json")


def test_link_in_the_store_that_leads_out_is_refused_by_every_method(tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    (mine / "file").write_text("private")
    (made := tmp_path / "made").mkdir()
    (tmp_path / "store/phases").mkdir(parents=True)
    (tmp_path / "store/phases/a").symlink_to(mine)
    files, before = FolderFiles(tmp_path / "store"), listing(tmp_path)
    for action in (
        lambda: files.read("phases/a/file"),
        lambda: files.has("phases/a/file"),
        lambda: files.names("phases/a"),
        lambda: files.write("phases/a/file", b"x"),
        lambda: files.swap("phases/a/file", b"private", None),
        lambda: files.remove("phases/a/file"),
        lambda: files.remove("phases/a"),
        lambda: files.folder("phases/a"),
        lambda: files.keep(made, "phases/a/model"),
        lambda: files.scratch("phases/a").__enter__(),
    ):
        with pytest.raises(StoreError, match=r"a link leads out of .*store, to .*mine"):
            action()
    assert listing(tmp_path) == before


def test_store_that_is_a_link_works(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "real")
    files = FolderFiles(tmp_path / "store")
    files.write("phases/a/record.json", b"{}")
    with files.scratch("phases/a") as made:
        (made / "x").write_bytes(b"x")
        files.keep(made, "phases/a/model")
    assert (tmp_path / "real/phases/a/model/x").read_bytes() == b"x"
    files.remove("phases/a")
    assert files.names("phases") == []

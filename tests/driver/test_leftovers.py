"""Temporary folders of dead, live and foreign owners, and what is left of their processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xstilts.driver import leftovers
from xstilts.store.lease import Owner, process_identity


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A live process of this user."""
    with subprocess.Popen(["sleep", "600"]) as sleeping:
        yield sleeping
        sleeping.kill()


def owner(pid: int, **changes: str) -> Owner:
    """The content of the owner file of a process."""
    process = changes.get("process", process_identity(pid))
    return Owner(token="t", host="h", pid=pid, process=process, beat=0.0, seconds=60.0)


def dead_owner() -> Owner:
    """An owner that has ended."""
    ended = subprocess.Popen(["sleep", "600"])
    found = owner(ended.pid)
    ended.kill()
    ended.wait()
    return found


def made(place: Path, name: str, owner: Owner | None, days_old: float = 0) -> Path:
    """A run's folder with a file in it."""
    folder = place / name
    (folder / "r/logs").mkdir(parents=True)
    (folder / "r/logs/gcs.out").write_text("x")
    if owner is not None:
        (folder / leftovers.OWNER_FILE).write_bytes(owner.content())
    then = time.time() - days_old * 24 * 3600
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))
    return folder


def test_own_folder_says_whose_it_is_is_private_and_goes_with_the_block(place: Path) -> None:
    with leftovers.own_folder("ray") as folder:
        assert folder.parent == place and folder.name.startswith("xstilts-ray-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "r").mkdir()
        assert leftovers.clear() == []
        assert (folder / "r").is_dir()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["xstilts-ray-abc", "xstilts-tune-abc"])
def test_folder_of_a_dead_run_is_removed(place: Path, name: str) -> None:
    folder = made(place, name, dead_owner())
    assert leftovers.clear() == [folder]
    assert not folder.exists()


def test_folder_whose_owner_s_process_id_was_given_to_another_process_is_removed(
    place: Path, process: subprocess.Popen[bytes]
) -> None:
    live = process_identity(process.pid)
    earlier = live.rpartition("/")[0] + "/1"
    folder = made(place, "xstilts-ray-abc", owner(process.pid, process=earlier))
    assert leftovers.clear() == [folder]


@pytest.mark.parametrize("days_old", [0, 400])
def test_folder_of_a_live_run_stays_however_old(
    place: Path, process: subprocess.Popen[bytes], days_old: float
) -> None:
    folder = made(place, "xstilts-ray-abc", owner(process.pid), days_old)
    assert leftovers.clear() == []
    assert (folder / "r/logs/gcs.out").exists()


def another_container() -> Owner:
    """The owner of a folder that two containers share: the process id means nothing here."""
    return owner(1, process="boot/pid:[1]/12345")


def cut_off() -> None:
    """No owner file."""


@pytest.mark.parametrize("whose", [another_container, cut_off])
def test_folder_whose_owner_cannot_be_judged_is_removed_only_when_nothing_changed_for_a_week(
    place: Path, whose: Callable[[], Owner | None]
) -> None:
    new = made(place, "xstilts-ray-new", whose(), days_old=6)
    old = made(place, "xstilts-ray-old", whose(), days_old=8)
    written = made(place, "xstilts-ray-written", whose(), days_old=8)
    os.utime(written / "r/logs/gcs.out")
    assert leftovers.clear() == [old]
    assert new.exists() and written.exists()


@pytest.mark.parametrize("content", ["", "{", "5", '{"pid": 1}'])
def test_folder_with_a_damaged_owner_file_counts_as_one_without(place: Path, content: str) -> None:
    folder = made(place, "xstilts-ray-abc", None)
    (folder / leftovers.OWNER_FILE).write_text(content)
    assert leftovers.clear() == []


def test_folder_of_another_user_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(place, "xstilts-ray-abc", dead_owner(), days_old=400)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert leftovers.clear() == []
    assert folder.exists()


def test_link_that_has_such_a_name_is_not_followed(place: Path) -> None:
    target = made(place, "elsewhere", dead_owner())
    (place / "xstilts-ray-abc").symlink_to(target)
    inner = made(place, "xstilts-ray-def", dead_owner())
    (inner / "r/link").symlink_to(target)
    assert leftovers.clear() == [inner]
    assert (target / "r/logs/gcs.out").exists()


def test_folders_of_other_names_stay(place: Path) -> None:
    names = ["xstilts-export-abc", "ray", "xstilts-20260101T000000-1.log", "xstilts-rays"]
    for name in names:
        made(place, name, dead_owner(), days_old=400)
    assert leftovers.clear() == []
    assert sorted(p.name for p in place.iterdir()) == sorted(names)


HOLDS = "import sys, time; file = open(sys.argv[1]); print('open', flush=True); time.sleep(600)"


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (["/site-packages/ray/dashboard/agent.py"], True),
        (["notes.txt"], False),
    ],
)
def test_ray_process_that_has_a_file_of_a_dead_run_open_is_ended_and_no_other_program(
    place: Path, words: list[str], ends: bool
) -> None:
    folder = made(place, "xstilts-ray-abc", dead_owner())
    command = [sys.executable, "-c", HOLDS, str(folder / "r/logs/gcs.out"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        assert leftovers.clear() == [folder]
        if ends:
            assert holder.wait(timeout=10) == -9
        else:
            assert holder.poll() is None
            holder.kill()


def test_ray_process_of_a_live_run_is_let_alone(
    place: Path, process: subprocess.Popen[bytes]
) -> None:
    folder = made(place, "xstilts-ray-abc", owner(process.pid))
    command = [sys.executable, "-c", HOLDS, str(folder / "r/logs/gcs.out"), "x/ray/agent.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        assert leftovers.clear() == []
        assert holder.poll() is None
        holder.kill()

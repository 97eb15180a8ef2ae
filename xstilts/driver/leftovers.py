"""Temporary folders of a run, and the removal of what killed runs left behind.

A run that ends in any way but SIGKILL removes its temporary folders itself. Those of a killed one
stay, and now and then a process of its Ray cluster does. The next run of the same user looks for
both when it starts.

Each folder has an *owner file* that says which process made it. A folder is removed, its processes
first, where it belongs to this user and its owner is known to have ended. Where that can't be known
(another container that shares the folder, a former boot of the machine, a folder of an earlier
version without the file), it is removed once nothing in it has changed for a week.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xstilts.store.lease import LEASE_SECONDS
from xstilts.store.owner import Owner, life_of, owner_of, process_identity

KINDS = ("ray", "tune")
"""What a folder may be for; its name begins with `xstilts-<kind>-`."""
OWNER_FILE = "owner.json"
OLD_SECONDS = 7 * 24 * 3600.0
"""A folder whose owner can't be judged is removed after this time without a change."""
_PROC = Path("/proc")
_OF_RAY = re.compile(r"(^|/)ray(::|/|-)")
"""Found in the program, an argument or the title of every process that Ray starts."""


@contextmanager
def own_folder(kind: str) -> Iterator[Path]:
    """A new temporary folder that this user alone can enter, removed at the end of the block, with
    what is left of a cluster in it.
    """
    assert kind in KINDS
    folder = Path(tempfile.mkdtemp(prefix=f"xstilts-{kind}-"))
    pid = os.getpid()
    owner = Owner(
        token=folder.name,
        host=socket.gethostname(),
        pid=pid,
        process=process_identity(pid),
        beat=time.time(),
        seconds=LEASE_SECONDS,
    )
    (folder / OWNER_FILE).write_bytes(owner.content())
    try:
        yield folder
    finally:
        end_processes(folder)
        _remove(folder)


def clear() -> list[Path]:
    """Removes the folders of runs that are dead, and ends what is left of their Ray processes.

    Returns the folders that were removed. Never raises for a folder that can't be read or removed.
    """
    place = Path(tempfile.gettempdir())
    gone = []
    for kind in KINDS:
        for folder in sorted(place.glob(f"xstilts-{kind}-*")):
            with suppress(OSError):
                if _is_ours(folder) and _is_dead(folder):
                    end_processes(folder)
                    if _remove(folder):
                        gone.append(folder)
    return gone


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, not a link to one, of this user."""
    return not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.getuid()


def _is_dead(folder: Path) -> bool:
    """Whether the run whose folder this is has ended, or must have."""
    owner = _owner(folder)
    if owner is not None:
        life = life_of(owner)
        if life != "unknown":
            return life == "ended"
    return time.time() - _last_change(folder) > OLD_SECONDS


def _owner(folder: Path) -> Owner | None:
    """None where there is no owner file, or one that was cut off."""
    try:
        return owner_of((folder / OWNER_FILE).read_bytes())
    except OSError:
        return None


def _last_change(folder: Path) -> float:
    """When anything in a folder was written last, in seconds since 1970."""
    newest = folder.stat().st_mtime
    for inside, _, files in os.walk(folder):
        for path in (inside, *(os.path.join(inside, name) for name in files)):
            with suppress(OSError):
                newest = max(newest, os.lstat(path).st_mtime)
    return newest


def _remove(folder: Path) -> bool:
    """Removes a folder, its owner file last: what could not be removed can still be judged.

    Returns whether it is gone.
    """
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != OWNER_FILE:
                entry.unlink()
        if [entry.name for entry in folder.iterdir()] in ([], [OWNER_FILE]):
            shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


# -- processes


def end_processes(folder: Path, seconds: float = 5) -> None:
    """Kills what is left of the cluster in a folder, and waits until it is gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and (found := list(_processes(folder))):
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _processes(folder: Path) -> Iterator[int]:
    """Ray's processes of this user that name the folder or have a file in it open.

    Other programs that look into the folder, an editor or a shell, are let alone.
    """
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if int(entry.name) == os.getpid() or entry.stat().st_uid != os.getuid():
                continue
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if any(map(_OF_RAY.search, words)) and (
                any(f"{folder}/" in word for word in words) or _has_open(entry, folder)
            ):
                yield int(entry.name)


def _has_open(process: Path, folder: Path) -> bool:
    for link in (process / "fd").iterdir():
        with suppress(OSError):
            if os.readlink(link).startswith(f"{folder}/"):
                return True
    return False

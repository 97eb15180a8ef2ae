"""Copies of files from an object store on this machine: fetched once, bounded in size.

    <home>/copies/<seal>/       a folder, named by the hash of its files' names and contents
    <home>/copies/<seal>.lock   held by who fetches it (alone) or has it open (shared)

A folder that is there is complete: it is filled under a hidden name, compared with the hashes that
it must have, and renamed. As it is named by its content it is never stale, and the workers of a
machine share it. When the copies take more than XSTILTS_CACHE_GB (default 50) together, those that
were opened longest ago go first; never one that a process has open. So the bound can be exceeded by
what is in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from xstilts.errors import CorruptError, StoreError
from xstilts.store import sums
from xstilts.store.local_files import store_error
from xstilts.store.sums import FileSums

SIZE_VARIABLE = "XSTILTS_CACHE_GB"
"""Environment variable: gigabytes that the copies of one store may take on this machine."""
SIZE_GB = 50.0


def size_bytes() -> float:
    """What the copies may take together. StoreError where the variable is no number."""
    given = os.environ.get(SIZE_VARIABLE, "")
    try:
        size = float(given) if given else SIZE_GB
    except ValueError:
        size = -1.0
    if not size >= 0:
        raise StoreError(f"{SIZE_VARIABLE}={given}: must be a number of gigabytes, 0 or more")
    return size * 1e9


class NodeCache:
    """Folders of one store on this machine. What this object has opened stays while it lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, int] = {}
        """Seal to the file that holds its lock."""

    def __del__(self) -> None:
        for held in self._open.values():
            with suppress(OSError):
                os.close(held)

    def opened(self, meant: FileSums, fill: Callable[[Path], None]) -> Path:
        """The folder with these files; `fill` fetches them where they are not here.

        Raises what `fill` raises, and CorruptError where a file is not what it is meant to be.
        """
        seal = sums.seal(meant)
        path = self.folder / seal
        try:
            if seal not in self._open or not path.is_dir():
                self._hold(seal)
                if not path.is_dir():
                    self._filled(path, meant, fill)
            os.utime(path)
        except OSError as error:
            raise store_error(error, path) from error
        return path

    def put(self, meant: FileSums, folder: Path) -> None:
        """Keeps a folder of this disk as the copy, if it can: it is moved. It is not opened."""
        path = self.folder / sums.seal(meant)
        if not folder.is_relative_to(self.folder) and not path.exists():
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                os.rename(folder, path)
                self._bound(path)

    def drop(self, meant: FileSums) -> None:
        """Removes a copy that nobody else has open."""
        seal = sums.seal(meant)
        if (held := self._open.pop(seal, None)) is not None:
            os.close(held)
        with suppress(OSError):
            self._removed(self.folder / seal)

    def _hold(self, seal: str) -> None:
        """Holds the folder's lock, shared: nobody removes it."""
        if seal not in self._open:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._open[seal] = self._lock(seal, fcntl.LOCK_SH)

    def _lock(self, seal: str, how: int) -> int:
        """A lock on the file beside a folder, which may be removed while it is waited for."""
        place = self.folder / f"{seal}.lock"
        while True:
            lock = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, how)
                if place.exists() and os.path.samestat(os.fstat(lock), place.stat()):
                    return lock
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)

    def _filled(self, path: Path, meant: FileSums, fill: Callable[[Path], None]) -> None:
        """Fetches a folder; others that want it wait."""
        fetching = self._lock(f"{path.name}.fetch", fcntl.LOCK_EX)
        hidden = self.folder / f".{path.name}.{uuid.uuid4().hex}"
        try:
            if path.is_dir():
                return
            for left in self.folder.glob(f".{path.name}.*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            self._bound(path, sum(one.size for one in meant.values()))
            hidden.mkdir()
            fill(hidden)
            if wrong := sums.fault(hidden, meant):
                raise CorruptError(f"{path}: what was fetched is not what was kept: {wrong}")
            os.rename(hidden, path)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
            (self.folder / f"{path.name}.fetch.lock").unlink(missing_ok=True)
            os.close(fetching)

    def _bound(self, but: Path, more: int = 0) -> None:
        """Removes the copies that were opened longest ago until there is room for `more` bytes."""
        known = [(one.stat().st_mtime, one) for one in self.folder.iterdir() if one.is_dir()]
        sizes = {one: folder_bytes(one) for _, one in known}
        total, most = sum(sizes.values()) + more, size_bytes()
        for _, one in sorted(known):
            if total <= most:
                return
            if one != but and one.name[0] != "." and self._removed(one):
                total -= sizes[one]

    def _removed(self, path: Path) -> bool:
        """Removes a copy; False where somebody has it open."""
        place = self.folder / f"{path.name}.lock"
        lock = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            place.unlink(missing_ok=True)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(lock)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.lstat()
            total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total

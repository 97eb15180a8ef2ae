"""Tokenised data where the store is an object store: made once, fetched once on each machine.

    <address>/data/<kind>/<key>/whole.json    names, sizes and keys of the files, written last
    <address>/data/<kind>/<key>/<unique>/...  their contents
    <home>/data/<kind>/<key>/                 the copy, which `data.encoding` makes if need be

A key is a hash of all that decides the content, so nothing is ever stale. The first `whole.json`
stays. Each folder has its own checksums, which whoever opens it compares; one that comes damaged is
made again here. Copies that nobody has opened for an hour go, oldest first, when they take more
than XSTILTS_CACHE_GB together.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from xstilts.errors import StoreError
from xstilts.store import addresses
from xstilts.store.node_cache import folder_bytes, size_bytes
from xstilts.store.objects import Objects, objects_at

IDLE_SECONDS = 3600.0
"""A copy that was opened this short a time ago is never removed."""


class SharedData:
    """The tokenised data of one store. Thread-safe."""

    def __init__(self, objects: Objects, data: Path) -> None:
        self._objects, self._data = objects, data

    def fetch(self, folder: Path, made: Path) -> bool:
        """Fills the empty folder `made` with what the store has for `folder`; False where it has
        nothing, or not all of it.
        """
        found = self._objects.get(f"{self._prefix(folder)}/whole.json")
        if found is None:
            return False
        try:
            files = {
                str(name): (str(key), int(size)) for name, key, size in json.loads(found.content)
            }
        except (ValueError, TypeError):
            return False
        make_room(self._data.glob("*/*"), sum(size for _, size in files.values()))
        return all(
            self._objects.fetch(key, made / name, size) for name, (key, size) in files.items()
        )

    def send(self, folder: Path) -> None:
        """Keeps a folder that was made here, unless there is one already."""
        prefix = self._prefix(folder)
        keys = {path.name: f"{prefix}/{uuid.uuid4().hex}/{path.name}" for path in _files(folder)}
        for name, key in keys.items():
            self._objects.send(key, folder / name)
        whole = [[name, key, (folder / name).stat().st_size] for name, key in keys.items()]
        if self._objects.create(f"{prefix}/whole.json", json.dumps(whole).encode()) is None:
            self._objects.delete(keys.values())

    def forget(self, folder: Path) -> None:
        """Takes back what the store has for a folder, because it came damaged."""
        self._objects.delete([f"{self._prefix(folder)}/whole.json"])

    def _prefix(self, folder: Path) -> str:
        return f"data/{folder.relative_to(self._data).as_posix()}"


def shared_data(folder: Path) -> SharedData | None:
    """The store's data, for a folder in the `data` of its home; None for a folder elsewhere."""
    for home in folder.parents[1:]:
        place = addresses.address_of_home(home)
        if place is not None:
            return SharedData(objects_at(place), home / "data")
    return None


def make_room(folders: Iterable[Path], more: int = 0, idle: float = IDLE_SECONDS) -> None:
    """Removes folders that nobody has opened for a while (`touch` says so), those that were opened
    longest ago first, until all together take what they may.
    """
    known = [(path.stat().st_mtime, path) for path in folders if path.is_dir()]
    sizes = {path: folder_bytes(path) for _, path in known}
    total, most = sum(sizes.values()) + more, size_bytes()
    for opened, path in sorted(known):
        if total <= most:
            return
        if opened < time.time() - idle:
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]


def touch(folder: Path) -> None:
    """Notes that a copy is opened now."""
    with suppress(OSError):
        folder.touch()


def sent(shared: SharedData, folder: Path) -> None:
    """Sends a folder; where the store refuses, the next machine makes its own."""
    with suppress(StoreError):
        shared.send(folder)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")

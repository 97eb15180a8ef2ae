"""Mirrors: folders with snapshots of datasets and models, or the same in an object store.

    <mirror>/datasets/<owner>/<name>/...
    <mirror>/models/<owner>/<name>/...

Of a mirror at an address (`s3://bucket/mirror`) this machine has a folder with what was needed of
it so far, in the same places. A file is fetched when it is asked for, once for all processes, and
again if it has changed in the mirror. What such a file holds decides the revision of data and
model, as everywhere: a file that came wrong is another revision, and never the same with other
rows. Files that nobody has asked for in a day go, oldest first, when all take more than
XSTILTS_CACHE_GB.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from xstilts.errors import DataError, StoreError
from xstilts.spec.addresses import is_address
from xstilts.spec.names import strange
from xstilts.store import addresses
from xstilts.store.inside import inside
from xstilts.store.local_files import store_error
from xstilts.store.objects import Listed, objects_at
from xstilts.store.shared_data import make_room, touch

IDLE_SECONDS = 24 * 3600.0
"""A snapshot that was asked for this short a time ago is never removed."""


def place(mirror: str) -> Path:
    """The folder of a mirror on this machine. For one at an address it has what was fetched."""
    return addresses.made_home(_address(mirror), "mirrors") if is_address(mirror) else Path(mirror)


def names(mirror: str, prefix: str) -> list[str]:
    """Names of the files below a prefix of a mirror at an address, sorted; empty where there are
    none. DataError where the object store refuses.
    """
    return [name for name, _ in _listed(mirror, prefix)]


def have(mirror: str, kind: str) -> list[str]:
    """`owner/name` of all snapshots of a kind in a mirror at an address."""
    try:
        objects = objects_at(_address(mirror))
        owners = objects.names(kind)[0]
        return sorted(f"{o}/{name}" for o in owners for name in objects.names(f"{kind}/{o}")[0])
    except StoreError as error:
        raise DataError(str(error)) from error


def fetched(mirror: str, prefix: str, wanted: Iterable[str]) -> Path:
    """The folder for a prefix of a mirror at an address, with these files of it, those that the
    mirror has. DataError where the object store refuses.
    """
    from filelock import FileLock

    folder = inside(place(mirror), prefix, error=DataError)
    there = dict(_listed(mirror, prefix))
    needed = {name: there[name] for name in wanted if name in there}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            touch(folder)
            stale = {n: one for n, one in needed.items() if _mark(folder, n) != one.e_tag}
            make_room(
                place(mirror).glob("*/*/*"), sum(o.size for o in stale.values()), IDLE_SECONDS
            )
            for name, one in stale.items():
                _fetch(mirror, folder, name, one)
    except StoreError as error:
        raise DataError(str(error)) from error
    except OSError as error:
        raise DataError(str(store_error(error, folder))) from error
    return folder


def send(mirror: str) -> None:
    """Sends what lies in this machine's folder of a mirror at an address. Raises StoreError."""
    home, objects = place(mirror), objects_at(_address(mirror))
    for kind in ("datasets", "models"):
        there = {one.key: one.size for one in objects.listed(kind)}
        for path in sorted((home / kind).rglob("*")):
            key = path.relative_to(home).as_posix()
            hidden = any(part[0] == "." for part in key.split("/")) or key.endswith(".lock")
            if path.is_file() and not hidden and there.get(key) != path.stat().st_size:
                objects.send(key, path)


def _fetch(mirror: str, folder: Path, name: str, one: Listed) -> None:
    path = inside(folder, name, error=DataError)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        if not objects_at(_address(mirror)).fetch(one.key, made, one.size):
            raise DataError(f"{mirror}/{one.key}: it was removed from the mirror just now")
        os.replace(made, path)
        _mark_of(path).write_text(one.e_tag)
    finally:
        made.unlink(missing_ok=True)


def _mark(folder: Path, name: str) -> str:
    """Which version of a file is here; empty where it is not."""
    path = inside(folder, name, error=DataError)
    try:
        return _mark_of(path).read_text() if path.is_file() else ""
    except OSError:
        return ""


def _mark_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.version")


def _address(mirror: str) -> str:
    try:
        return addresses.address(mirror)
    except StoreError as error:
        raise DataError(str(error)) from error


def _listed(mirror: str, prefix: str) -> tuple[tuple[str, Listed], ...]:
    """The files below a prefix, by the rest of their names. A process asks once for each."""
    for part in prefix.split("/"):
        if why := strange(part):
            raise DataError(f"{mirror}: {prefix!r} is no place in a mirror: a part of it {why}")
    return _listing(_address(mirror), prefix)


@lru_cache(maxsize=1024)
def _listing(mirror: str, prefix: str) -> tuple[tuple[str, Listed], ...]:
    try:
        listed = objects_at(mirror).listed(prefix)
    except StoreError as error:
        raise DataError(str(error)) from error
    start = len(prefix) + 1
    named = [(one.key[start:], one) for one in listed]
    return tuple((name, one) for name, one in named if not any(map(strange, name.split("/"))))

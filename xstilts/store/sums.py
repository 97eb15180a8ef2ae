"""Size and SHA-256 of files: what a record says its phase's files are, and whether they still are.

A file is hashed once in a process, and again whenever its size, time or place on the disk changes:
a checkpoint that ten phases of a process start from is read once more than without this.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from xstilts.spec.digests import digest


class FileSum(NamedTuple):
    """What a file holds."""

    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits."""


FileSums = Mapping[str, FileSum]
"""Name, with `/` between its parts, to what the file holds."""

_Stamp = tuple[str, int, int, int]
_known: dict[_Stamp, str] = {}
"""Path, size, time of change and inode to the SHA-256 that this process found."""

_TICK_NS = 100_000_000
"""A file that was changed this short a time ago may be changed again under the same time."""


def forget() -> None:
    """Forgets what this process has hashed, so that every file is read again."""
    _known.clear()


def of_bytes(content: bytes) -> FileSum:
    """Of a file with this content."""
    return FileSum(len(content), hashlib.sha256(content).hexdigest())


def of_folder(folder: Path, *, durable: bool = False) -> dict[str, FileSum]:
    """Of all files below a folder, by their names in it; hidden ones are left out.

    With `durable`, waits until the files are on the disk. Raises OSError.
    """
    return {name: _of_file(path, durable) for name, path in _files(folder)}


def fault(folder: Path, meant: FileSums) -> str:
    """How the files below a folder differ from what they are meant to be, in a few words; empty
    where they don't.
    """
    there = dict(_files(folder))
    if wrong := _other_names(there, meant):
        return wrong
    for name, path in sorted(there.items()):
        try:
            found = _of_file(path)
        except OSError as error:
            return f"{name} can't be read ({error.strerror or error})"
        if wrong := difference(name, found, meant[name]):
            return wrong
    return ""


def fault_of_sums(there: FileSums, meant: FileSums) -> str:
    """The same of files that were hashed elsewhere."""
    if wrong := _other_names(there, meant):
        return wrong
    return next(filter(None, (difference(n, there[n], meant[n]) for n in sorted(there))), "")


def fault_of_sizes(there: Mapping[str, int], meant: FileSums) -> str:
    """The same by names and sizes alone; a file whose content has changed is not noticed."""
    if wrong := _other_names(there, meant):
        return wrong
    changed = (name for name in sorted(there) if there[name] != meant[name].size)
    return next((_other_size(name, there[name], meant[name]) for name in changed), "")


def _other_names(there: Iterable[str], meant: Iterable[str]) -> str:
    for name in sorted({*meant} ^ {*there}):
        return f"{name} is {'missing' if name in {*meant} else 'not a file of the phase'}"
    return ""


def _other_size(name: str, size: int, meant: FileSum) -> str:
    return f"{name} has {size:,} bytes instead of {meant.size:,}"


def difference(name: str, found: FileSum, meant: FileSum) -> str:
    """How one file differs from what it is meant to be; empty where it does not."""
    if found.size != meant.size:
        return _other_size(name, found.size, meant)
    return "" if found == meant else f"{name} is not as it was written (its hash differs)"


def seal(sums: FileSums) -> str:
    """One hash of several files: 24 hexadecimal digits."""
    return digest({name: one.sha256 for name, one in sums.items()})


def below(prefix: str, sums: FileSums) -> dict[str, FileSum]:
    """Those whose names begin with `prefix/`, by the rest of their names."""
    start = f"{prefix}/"
    return {name[len(start) :]: one for name, one in sums.items() if name.startswith(start)}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one[0] != "."]
        for name in names:
            if name[0] != ".":
                path = Path(place, name)
                yield path.relative_to(folder).as_posix(), path


def _of_file(path: Path, durable: bool = False) -> FileSum:
    with open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        stamp = (str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        found = _known.get(stamp) or hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - stat.st_mtime_ns > _TICK_NS:
            _known[stamp] = found
        if durable:
            os.fsync(file.fileno())
    return FileSum(stat.st_size, found)

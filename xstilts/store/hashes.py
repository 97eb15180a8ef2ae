"""Hashes of the content of files, each file read once.

The identity of a phase depends on the content of its data and model, never on where the files lie.
The SHA-256 of a file is remembered under its path, size and modification time, in one JSON file of
the cache. Several processes may write it; the last one wins, and a lost entry means that the file
is read once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from xstilts.errors import DataError
from xstilts.store.sealed import read_sealed, write_sealed

_MEMORY = "content-hashes.json"


def content_hashes(paths: Sequence[Path], cache: str, *, keep: bool = True) -> list[str]:
    """SHA-256 of each file as 64 hexadecimal digits, in order; DataError where a file can't be
    read. New ones are remembered unless `keep` is False.
    """
    memory_path = Path(cache) / _MEMORY
    known = _remembered(memory_path)
    keys = [_key(path) for path in paths]
    new = {key: _sha256(path) for key, path in zip(keys, paths, strict=True) if key not in known}
    if new and keep:
        write_sealed(memory_path, {**_remembered(memory_path), **new})
    return [(known | new)[key] for key in keys]


def _key(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    return f"{path.absolute()}|{stat.st_size}|{stat.st_mtime_ns}"


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _remembered(path: Path) -> dict[str, str]:
    try:
        memory = read_sealed(path)
    except (OSError, ValueError):
        return {}
    return memory if isinstance(memory, dict) else {}

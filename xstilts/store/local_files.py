"""Files on this machine that are written atomically, and what errors of the disk mean.

For caches, reports and the folders of sweeps. Files of phases go through `files.Files`.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from xstilts.errors import StoreError


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` as JSON, as `write_bytes` does."""
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` atomically (readers see the old file or the whole new one) and
    durably: it outlives a power cut. Raises StoreError where it can't.
    """
    with written_aside(path, content) as made:
        os.replace(made, path)
        sync_folder(path.parent)


@contextmanager
def written_aside(path: Path, content: bytes) -> Iterator[str]:
    """A hidden file beside `path` that has `content` and is on the disk, for the block to rename;
    removed if it does not. An OSError, in the block too, becomes a StoreError about `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o644)  # temporary files are private; a store is shared
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield name
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise store_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk: a new name outlives a power cut only then.
    Raises OSError.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that can't
            raise
    finally:
        os.close(opened)


def store_error(error: OSError, path: Path | str) -> StoreError:
    """A StoreError that tells the user what an OSError on `path` means."""
    if error.errno == errno.ENOSPC:
        return StoreError(
            f"{path}: the disk is full; free some space and run the same command again: what "
            "has a record is kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"{path}: not writable ({error.strerror}); give `store:` a folder that you may write to"
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return StoreError(
            f"{path}: a file is where a folder must be ({error.strerror}); give another place"
        )
    return StoreError(f"{path}: {error.strerror or error}")

"""Files of this machine that are there whole or not at all, and what an error of the disk means.

For caches, reports and a sweep's own folder. What belongs to a phase goes through `files.Files`.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from xstilts.errors import StoreError


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` atomically: readers see the old file or the whole new one."""
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` atomically and durably; raises StoreError where it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o644)  # a temporary file is closed to others; a store is shared
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise store_error(error, path) from error


def store_error(error: OSError, path: Path | str) -> StoreError:
    """The StoreError that says what an OSError on `path` means for the user."""
    if error.errno == errno.ENOSPC:
        return StoreError(
            f"{path}: the disk is full; free some space and run the same command again: what "
            "has a record is kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"{path}: not writable ({error.strerror}); give `store:` a folder that you may write to"
        )
    return StoreError(f"{path}: {error.strerror or error}")

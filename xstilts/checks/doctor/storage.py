"""Can the store's disk do what records and leases need, and does the tracking server answer?"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.errors import StoreError, first_line
from xstilts.spec.server_addresses import without_credentials
from xstilts.store.phases import Store
from xstilts.store.sqlite_address import is_sqlite, sqlite_path

DISK_NEEDED_GB, DISK_ADVISED_GB = 1, 20
_GB = 1024**3


def existing(path: Path) -> Path:
    """`path` or the nearest folder above it that exists."""
    return next(p for p in (path, *path.parents) if p.is_dir())


# -- the store


def store_writable(folder: Path) -> Check:
    """Whether the store's disk can do what records and leases need: atomic renames and exclusive
    locks.
    """
    place = existing(folder)
    try:
        with _scratch(place) as scratch:
            wrong = _atomic_rename(scratch) or _hard_lock(scratch)
    except OSError as error:
        wrong = f"not writable ({error.strerror or error})"
    return Check(
        name="store",
        ok=not wrong,
        what=f"{folder}: {wrong or 'writable, renames atomically, locks'}",
        fix="give `store:` a folder on a local disk, or on NFS 4 with locks",
    )


def object_store(store: Store) -> Check:
    """Whether a store in an object store can be written to, and honours conditions on writes."""
    try:
        store.check_writable()
        wrong = ""
    except StoreError as error:
        wrong = first_line(error).removeprefix(f"{store.address}: ")
    return Check(
        name="object store",
        ok=not wrong,
        what=f"{store.address}: {wrong or 'writable, honours conditions on writes'}",
        fix="mend that, or give `store:` another place; docs/storage.md says what it must allow",
    )


@contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    name = tempfile.mkdtemp(prefix=".xstilts-doctor-", dir=place)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _atomic_rename(scratch: Path) -> str:
    for text in ("old", "new"):
        (scratch / "written").write_text(text)
        os.replace(scratch / "written", scratch / "record")
    (scratch / "built").mkdir()
    os.rename(scratch / "built", scratch / "published")
    intact = (scratch / "record").read_text() == "new" and not (scratch / "written").exists()
    return "" if intact else "renames are not atomic"


def _hard_lock(scratch: Path) -> str:
    with open(scratch / "lock", "w") as first, open(scratch / "lock", "w") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return f"no file locks ({error.strerror})"
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return ""
        return "file locks are not exclusive"


def disk(folder: Path, free_bytes: int) -> Check:
    """Room for checkpoints; a full disk stops the run, but finished phases are safe."""
    gigabytes = free_bytes / _GB
    return Check(
        name="disk",
        ok=gigabytes >= DISK_ADVISED_GB,
        what=(
            f"{gigabytes:.1f} GB free for {folder}; a training keeps its model (XLM-R base: 1.1 GB)"
        ),
        fix="free some space, or give `store:` another disk",
        serious=gigabytes < DISK_NEEDED_GB,
    )


# -- tracking


def tracking(uri: str | None) -> Check:
    """Whether MLflow can be reached; never serious, since everything can be sent later."""
    if uri is None:
        return Check(name="tracking", ok=True, what="off")
    wrong = _database_wrong(uri) if is_sqlite(uri) else _server_wrong(uri)
    return Check(
        name="tracking",
        ok=not wrong,
        what=f"{without_credentials(uri)}: {wrong or 'there'}",
        fix=(
            "a run goes on without it; `xstilts track SWEEP` sends what is missing once it answers"
        ),
        serious=False,
    )


def _database_wrong(uri: str) -> str:
    path = sqlite_path(uri)
    if not path.exists():
        place = existing(path.parent)
        return "" if os.access(place, os.W_OK) else f"{place} is not writable"
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            database.close()
    except sqlite3.Error as error:
        return f"{error}; move it away, a run creates it again from the records"
    return "" if os.access(path, os.W_OK) else "not writable"


def _server_wrong(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        return (
            "" if "://" in uri else "a folder, which MLflow no longer writes to; use sqlite:///FILE"
        )
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in (401, 403) else f"answers {error.code}; is it an MLflow server?"
    except (OSError, ValueError) as error:
        return f"no answer ({getattr(error, 'reason', error)})"

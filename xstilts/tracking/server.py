"""Connecting to a tracking server: MLflow's environment, its errors, and a new SQLite database.

Two processes that open a new `sqlite:///` URI at the same time corrupt the database (MLflow
migrates it table by table), so it is created under a file lock next to it. MLflow's own messages
and tracebacks are kept out of the user's terminal: every error becomes a `TrackingError`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import TrackingError, XstiltsError, first_line
from xstilts.store.sqlite_address import is_sqlite, sqlite_address, sqlite_path

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Set where the user has set nothing. An unreachable server costs seconds, not minutes; no usage
reports are sent.
"""
_REFUSED = (
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "BAD_REQUEST",
)
"""Error codes that are about one run; any other error is about the server."""
_LOCAL_FILESYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs")
_LOGGERS = ("mlflow", "mlflow.store.db.utils", "alembic", "urllib3.connectionpool")


class Refused(TrackingError):
    """The server answers, and refuses this one run."""


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turns any error of MLflow, its HTTP client or its database into a TrackingError."""
    try:
        yield
    except XstiltsError:
        raise
    except Exception as error:
        code = getattr(error, "error_code", "")
        kind = Refused if code in _REFUSED else TrackingError
        raise kind(f"{uri}: {_login_needed(error) or first_line(error, 400)}") from error


def _login_needed(error: Exception) -> str:
    """What to do where a server asks who one is, or does not let this user write; otherwise
    empty.
    """
    status = getattr(error, "get_http_status_code", lambda: 0)()
    said = str(error)
    if status == 401 or "error code 401 " in said:
        given = os.environ.get("MLFLOW_TRACKING_USERNAME")
        who = f"the password of {given} is not taken" if given else "it asks who you are"
        return f"{who}; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a user's"
    if status == 403 or "error code 403 " in said:
        who = os.environ.get("MLFLOW_TRACKING_USERNAME") or "you"
        return (
            f"{who} may not do this there: the experiment is probably another user's, who can give "
            "you the right to edit it; or let one user write the mirror of all sweeps"
        )
    return ""


def connect(uri: str) -> MlflowClient:
    """A client for `uri`. A SQLite database that does not exist is created, by one process only.

    Raises TrackingError if the database is damaged or can't be written; an HTTP server is not
    contacted yet.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if uri.startswith(("file:", "/", "./")) or "://" not in uri:
        raise TrackingError(
            f"tracking: {uri} is a folder, which MLflow no longer writes to; use "
            f"{sqlite_address(Path(uri.removeprefix('file:'), 'mlflow.db'))}"
        )
    with quiet(), translated(uri):
        from mlflow.tracking import MlflowClient

        if is_sqlite(uri):
            with _initialising(sqlite_path(uri)):
                return _unhurried(MlflowClient(uri))
        return MlflowClient(uri)


@contextmanager
def _initialising(database: Path) -> Iterator[None]:
    """Holds the right to create a database; two processes at the same time would corrupt it."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with open(database.with_name(f".{database.name}.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            probe = sqlite3.connect(database)
            try:
                probe.execute("PRAGMA busy_timeout = 5000")
                if not database.stat().st_size and _local(database):
                    probe.execute("PRAGMA journal_mode = WAL")
                probe.execute("BEGIN IMMEDIATE")
                probe.rollback()
            finally:
                probe.close()
            yield
    except OSError as error:
        raise TrackingError(
            f"{database}: not writable ({error.strerror}); give `tracking:` a writable place"
        ) from error
    except sqlite3.DatabaseError as error:
        raise TrackingError(
            f"{database}: {error}; move it away and run `xstilts track SWEEP`, which creates a "
            "new one from the records"
        ) from error


def _unhurried(client: MlflowClient) -> MlflowClient:
    """Lets a database with a write-ahead log wait for the disk now and then, not at each of the 14
    commits of a phase.

    A power cut may undo the last commits, in order, but never damages the database; the next sync
    sends them again.
    """
    from sqlalchemy import event

    store = getattr(getattr(client, "_tracking_client", None), "store", None)
    engine = getattr(store, "engine", None)
    if engine is not None and not event.contains(engine, "connect", _relax):
        event.listen(engine, "connect", _relax)
        engine.dispose()
    return client


def _relax(connection: sqlite3.Connection, record: object) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        connection.execute("PRAGMA synchronous = NORMAL")


def _local(path: Path) -> bool:
    """Whether `path` lies on a disk of this machine, which a write-ahead log needs. The log saves
    most of the waiting.
    """
    try:
        rows = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    inside = [(mount, kind) for _, mount, kind, *_ in rows if path.is_relative_to(mount)]
    return bool(inside) and max(inside, key=lambda row: len(row[0]))[1] in _LOCAL_FILESYSTEMS


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps MLflow's own messages out of the user's terminal."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""The way to a tracking server: MLflow's environment, its errors, and a SQLite database made once.

Two processes that open a fresh `sqlite:///` URI at the same time destroy the database for good
(MLflow migrates it table by table), so it is made under a file lock next to it. MLflow's own
messages, tracebacks of a server that is away among them, are kept out of the user's terminal: every
error comes as a `TrackingError`.
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
from urllib.parse import unquote

from xstilts.errors import TrackingError, XstiltsError, first_line

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Set where the user has set nothing: a server that is away costs seconds, not minutes; no usage
reports.
"""
_REFUSED = (
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "BAD_REQUEST",
)
"""Errors of one run; with any other the server itself is in trouble."""
_LOCAL_FILESYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs")
_LOGGERS = ("mlflow", "mlflow.store.db.utils", "alembic", "urllib3.connectionpool")


class Refused(TrackingError):
    """The server is there and refuses this one run."""


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turns whatever MLflow, its HTTP client or its database raise into a TrackingError."""
    try:
        yield
    except XstiltsError:
        raise
    except Exception as error:
        code = getattr(error, "error_code", "")
        kind = Refused if code in _REFUSED else TrackingError
        raise kind(f"{uri}: {first_line(error, 400)}") from error


def connect(uri: str) -> MlflowClient:
    """A client for `uri`; a SQLite database that is not there yet is made, by one process alone.

    Raises TrackingError where the database is damaged or can't be written; an HTTP server is not
    asked for anything.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if uri.startswith(("file:", "/", "./")) or "://" not in uri:
        raise TrackingError(
            f"tracking: {uri} is a folder, which MLflow does not write to any more; use "
            f"sqlite:///{uri.removeprefix('file:')}/mlflow.db"
        )
    with quiet(), translated(uri):
        from mlflow.tracking import MlflowClient

        if uri.startswith("sqlite:"):
            with _initialising(_database(uri)):
                return _unhurried(MlflowClient(uri))
        return MlflowClient(uri)


def _database(uri: str) -> Path:
    return Path(unquote(uri.removeprefix("sqlite:///").split("?")[0])).absolute()


@contextmanager
def _initialising(database: Path) -> Iterator[None]:
    """Holds the right to initialise a database; two that do so at a time destroy it for good."""
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
            f"{database}: not writable ({error.strerror}); give `tracking:` a place that is"
        ) from error
    except sqlite3.DatabaseError as error:
        raise TrackingError(
            f"{database}: {error}; move it away and run `xstilts track SWEEP`, which makes a "
            "new one from the records"
        ) from error


def _unhurried(client: MlflowClient) -> MlflowClient:
    """Lets a database with a write-ahead log wait for the disk now and then, not at each of a
    phase's 14 commits.

    A power cut may take the last runs back, in order, and never damages the database; the next sync
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
    """Whether `path` lies on a disk of this machine: a write-ahead log, which saves most of the
    waiting, needs one.
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

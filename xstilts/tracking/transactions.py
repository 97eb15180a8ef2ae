"""Many runs in one transaction of MLflow's SQLite database.

MLflow opens a session for each of the dozen steps that a run takes, sets three pragmas in each and
commits it: 73 statements and 13 commits a run, and most of a first sync is spent in them. Inside
`together` its sessions share one connection and one transaction, which is committed after every
second; what a session commits or rolls back is then a savepoint of it. Every row is still written
by MLflow's own code. Where that is not built as this module knows it, nothing is changed.

A sync that dies loses at most the last second, whole runs and parts of runs alike: the mirror is
rebuilt from records, and the next sync finds out what is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from sqlalchemy import Connection, Engine

LONGEST_SECONDS = 1.0
"""A transaction keeps other writers of the database waiting; after this time it is committed."""
_PRAGMAS = ("foreign_keys = ON", "busy_timeout = 20000", "case_sensitive_like = true")
"""Those that MLflow sets in each session."""


class Between:
    """To be called between two runs: commits where the transaction is old enough. Does nothing
    without a connection.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        self.connection, self._began = connection, time.monotonic()
        """The connection whose transaction it is, for who writes rows into it."""

    def __call__(self) -> None:
        if self.connection is not None and time.monotonic() - self._began > LONGEST_SECONDS:
            self.connection.commit()
            self.connection.begin()
            self._began = time.monotonic()


def together(client: MlflowClient) -> AbstractContextManager[Between]:
    """Inside the block, what `client` writes to a SQLite database goes into one transaction."""
    store = getattr(getattr(client, "_tracking_client", None), "store", None)
    if getattr(store, "db_type", "") != "sqlite" or not hasattr(store, "ManagedSessionMaker"):
        return nullcontext(Between())
    return _together(store)


@contextmanager
def _together(store: Any) -> Iterator[Between]:
    engine = _engine(store.engine)
    usual = store.ManagedSessionMaker
    try:
        with engine.connect() as connection:
            connection.begin()
            store.ManagedSessionMaker = _sessions(connection)
            yield Between(connection)
            connection.commit()
    finally:
        store.ManagedSessionMaker = usual
        engine.dispose()


def _engine(usual: Engine) -> Engine:
    """An engine of its own for the same database, whose transactions and savepoints are SQLite's
    and not those of Python's module (SQLAlchemy's manual, "Serializable isolation, savepoints").
    """
    import sqlalchemy
    from sqlalchemy import event

    engine = sqlalchemy.create_engine(usual.url, poolclass=sqlalchemy.NullPool)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # waits for other writers

    return engine


def _sessions(connection: Connection) -> Callable[..., AbstractContextManager[Any]]:
    """What stands in for MLflow's own maker of sessions."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE
    from sqlalchemy.exc import OperationalError, SQLAlchemyError
    from sqlalchemy.orm import Session

    class Bulk(Session):
        """Rows that are added together are inserted together, without one more look at each."""

        def add_all(self, instances: Iterable[object]) -> None:
            """Inserts the rows, after those that were added before."""
            self.flush()
            self.bulk_save_objects(list(instances))

    @contextmanager
    def managed(read_only: bool = True) -> Iterator[Session]:
        session = Bulk(
            bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        )
        try:
            with session:
                try:
                    yield session
                    session.commit()
                except BaseException:
                    session.rollback()
                    raise
        except MlflowException:
            raise
        except OperationalError as error:
            raise MlflowException(str(error), error_code=TEMPORARILY_UNAVAILABLE) from error
        except SQLAlchemyError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from error
        except Exception as error:
            raise MlflowException(str(error), error_code=INTERNAL_ERROR) from error

    return managed

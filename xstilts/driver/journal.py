"""Optuna's storage: a journal of chained lines in the sweep's folder, which one process writes.

Optuna keeps a log of operations, and a study is what comes of replaying it. Each operation is a
line as Optuna's own file backend writes it, with two keys more (`store.chained`), so
optuna-dashboard opens the file, and a changed, lost or torn line is noticed.

An operation names trials by their place in the log, so nothing behind a damaged line can be used.
The damaged file is put aside, and the lines before the damage are kept; `search.Studies` adds the
rest from the ledger and the records.

There is no lock: the driver that holds the sweep's lease is the only writer. Optuna's own lock
stays behind when its process is killed, and where the store's path is a relative one, it is then
waited for without end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation

from xstilts.errors import StoreError
from xstilts.store.chained import Chained, Follower

_OF_ASKING = (
    JournalOperation.CREATE_TRIAL,
    JournalOperation.SET_TRIAL_PARAM,
    JournalOperation.SET_TRIAL_USER_ATTR,
)


class Journal(BaseJournalBackend):
    """The log of operations. Holds all of it in memory."""

    def __init__(self, path: Path, follower: Follower | None = None) -> None:
        """Reads the log. StoreError where the disk refuses. `follower` keeps what is written
        elsewhere too.
        """
        self._file = Chained(path, shared=True, follower=follower)
        self.told: list[str] = []
        """What a run tells of damage, a sentence each."""
        try:
            found = self._file.read()
        except StoreError as error:  # a folder, or not ours to read
            self._logs: list[dict[str, Any]] = []
            self._put_aside(str(error))
        else:
            self._logs = found.rows[: found.unbroken]
            if found.faults:
                self._put_aside(f"{path}: {'; '.join(found.faults)}")

    def _put_aside(self, fault: str) -> None:
        where = self._file.mend(self._logs)
        self.told.append(
            f"{fault}; {where}. Optuna's studies are made again from the lines before the damage, "
            "the ledger and the records"
        )

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The operations from a number on."""
        yield from self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends operations. StoreError where the disk refuses.

        The end of a trial is waited for. What a trial is asked with is in the ledger too before its
        phase starts.
        """
        self._file.append(*logs, wait=any(log["op_code"] not in _OF_ASKING for log in logs))
        self._logs.extend(json.loads(json.dumps(log)) for log in logs)

    def storage(self) -> JournalStorage:
        """The storage that a study is opened in. A log that this version of Optuna can't replay is
        put aside.
        """
        try:
            return JournalStorage(self)
        except Exception as error:
            self._logs = []
            self._put_aside(f"{self._file.path}: Optuna can't read it ({error!r})")
            return JournalStorage(self)

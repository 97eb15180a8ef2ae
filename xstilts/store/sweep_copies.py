"""A sweep's own folder where the store is an object store: a copy on each machine.

    <address>/sweeps/<sweep>/ledger.jsonl/...     the books, in pieces (`object_logs`)
                             studies.journal/...
                             sweep.json, doubts.json, report/...
    <home>/sweeps/<sweep>/                        the copy, with the same names
                          .driven.lock            held by a run on this machine

Who reads brings the copy up to date first (`refresh`). The run alone writes: it holds the sweep's
lease, makes its copy exactly as the store has it (a line that an earlier run was killed over before
it was sent counts for nothing: no phase had started on it), and sends what it appends from a thread
of its own, in the order in which it was written. `durable` waits until all of it is in the store:
that is asked before a phase starts that a line is about. While a run is at work on this machine its
copy is ahead of the store, so whoever reads here leaves it as it is.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.store import chained
from xstilts.store.ledger import LEDGER
from xstilts.store.local_files import store_error, write_bytes
from xstilts.store.object_logs import ObjectLog

if TYPE_CHECKING:
    from xstilts.store.objects import Objects

JOURNAL = "studies.journal"
BOOKS = (LEDGER, JOURNAL)
FILES = ("sweep.json", "doubts.json")
_LOCK = ".driven.lock"


def refresh(objects: Objects, folder: Path) -> None:
    """Brings the copy of a sweep up to date, unless a run on this machine writes it. StoreError
    where the store or the disk refuses.
    """
    with _locked(folder, fcntl.LOCK_SH | fcntl.LOCK_NB) as alone:
        if alone:
            _pull(objects, folder, exactly=False)


def _pull(objects: Objects, folder: Path, *, exactly: bool) -> dict[str, ObjectLog]:
    prefix = f"sweeps/{folder.name}"
    logs = {name: ObjectLog(objects, f"{prefix}/{name}") for name in BOOKS}

    def one(name: str) -> None:
        if name in logs:
            content = logs[name].pull(folder / name, exactly=exactly)
            if content is not None:
                chained.write_head_of(folder / name, content)
            return
        found = objects.get(f"{prefix}/{name}")
        path = folder / name
        if found is not None and not (path.is_file() and path.read_bytes() == found.content):
            write_bytes(path, found.content)

    try:
        objects.together(one, [*BOOKS, *FILES])
    except OSError as error:
        raise store_error(error, folder) from error
    return logs


def send_folder(objects: Objects, folder: Path, name: str) -> None:
    """Sends the files of a folder of a sweep, such as its report."""
    below = [p.relative_to(folder).as_posix() for p in (folder / name).rglob("*") if p.is_file()]
    objects.together(lambda one: objects.send(f"sweeps/{folder.name}/{one}", folder / one), below)


@contextmanager
def driven(objects: Objects, folder: Path) -> Iterator[Sender]:
    """The copy of a run, for the block, exactly as the store has it; the end of the block waits
    until all is sent, where it ends well.
    """
    with _locked(folder, fcntl.LOCK_EX):
        sender = Sender(objects, folder, _pull(objects, folder, exactly=True))
        try:
            yield sender
            sender.durable()
        finally:
            sender.close()


class Follower:
    """Gets what is appended to one book, after it is on the disk (`chained.Follower`)."""

    def __init__(self, sender: Sender, log: ObjectLog) -> None:
        self._sender, self._log = sender, log

    def appended(self, content: bytes) -> None:
        """Sends it, later. Raises what sending something earlier raised."""
        self._sender.put(self._log, content, anew=False)

    def written_anew(self, content: bytes) -> None:
        """Sends the whole file, later."""
        self._sender.put(self._log, content, anew=True)

    def durable(self) -> None:
        """Waits until all is sent; raises what that raised."""
        self._sender.durable()


class Sender:
    """Sends what a run writes, in order, from one thread; many small writes become one."""

    def __init__(self, objects: Objects, folder: Path, logs: dict[str, ObjectLog]) -> None:
        self._objects, self._folder = objects, folder
        self._followers = {name: Follower(self, log) for name, log in logs.items()}
        self._waiting: queue.Queue[tuple[ObjectLog, bytes, bool] | threading.Event | None]
        self._waiting = queue.Queue()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def follower(self, name: str) -> Follower:
        """Of one book."""
        return self._followers[name]

    def send_files(self) -> None:
        """Sends what is written over: the sweep and its doubts."""
        for name in FILES:
            if (self._folder / name).is_file():
                content = (self._folder / name).read_bytes()
                self._objects.put(f"sweeps/{self._folder.name}/{name}", content)

    def put(self, log: ObjectLog, content: bytes, *, anew: bool) -> None:
        """Takes something to send."""
        self._raise()
        self._waiting.put((log, content, anew))

    def durable(self) -> None:
        """Waits until all that was put is in the store; raises what sending it raised."""
        sent = threading.Event()
        self._waiting.put(sent)
        while not sent.wait(0.2) and self._thread.is_alive():
            pass
        self._raise()

    def close(self) -> None:
        """Ends the thread; what is not sent by now is not waited for."""
        self._waiting.put(None)
        if self._failed is None:
            self._thread.join(timeout=10)

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while not self._waiting.empty() and batch[-1] is not None:
                batch.append(self._waiting.get_nowait())  # type: ignore[arg-type]
            self._send([one for one in batch if isinstance(one, tuple)])
            for one in batch:
                if isinstance(one, threading.Event):
                    one.set()
            if batch[-1] is None:
                return

    def _send(self, batch: list[tuple[ObjectLog, bytes, bool]]) -> None:
        """Sends what came together: what is appended to one book is one write."""
        together: list[tuple[ObjectLog, bytes, bool]] = []
        for log, content, anew in batch:
            same = next((n for n, one in enumerate(together) if one[0] is log), None)
            if anew or same is None:
                together = [one for one in together if one[0] is not log]
                together.append((log, content, anew))
            else:
                before = together[same]
                together[same] = (log, before[1] + content, before[2])
        for log, content, anew in together:
            if self._failed is not None:
                return
            try:
                log.write_anew(content) if anew else log.append(content)
            except BaseException as error:
                self._failed = error


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[bool]:
    """Holds the lock of a copy; False where another process has it and it is not waited for."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise store_error(error, folder) from error
    try:
        try:
            fcntl.flock(lock, how)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def names(objects: Objects) -> list[str]:
    """The folders' names of all sweeps in the store."""
    return sorted(objects.names("sweeps")[0])

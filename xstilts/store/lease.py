"""Leases: which process works on a phase or a sweep.

A lease is a small file with a token, the host and process of its owner (for messages), and the
*beat*, the time of the owner's last sign of life. A process that finds no file, or one whose beat
is older than the lease's duration, may replace it by its own; with `Files.swap`, one of several
that try succeeds. An owner that lost its lease notices at the next renewal.

The beat is in the owner's clock, so the clocks of the machines must agree to within the duration
less the time between two renewals. A lease avoids doing work twice; it does not protect what is
written. It need not: the first record stays, and every worker would write the same numbers.

A lease whose process is known to have ended is taken over without waiting. That can be known only
of a process in the same PID namespace of the same boot, which also tells containers with one host
name apart. The start time of the process tells whether its PID was reused.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from xstilts.errors import LeaseHeld, StoreError
from xstilts.store.files import Files

LEASE_SECONDS = 60.0
"""A lease that was not renewed for this long is free."""
RENEWALS = 6
"""Renewals of a lease within its duration."""
WAIT_SECONDS = 0.2
"""Time between two attempts to take a lease that is waited for."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The content of a lease's file."""

    token: str
    """Unique to one lease object."""
    host: str
    pid: int
    process: str
    """Machine, PID namespace and start of the process; empty where the system does not say."""
    beat: float
    """Seconds since 1970, by the owner's clock."""


class Lease:
    """The right to work on one thing. Thread-safe as far as `files` is."""

    def __init__(
        self, files: Files, name: str, seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        """A lease in `leases/<name>.json` of `files`; free when not renewed for `seconds`."""
        self._files, self.name, self.seconds, self._clock = files, name, seconds, clock
        self._file = f"leases/{name}.json"
        self.token = uuid.uuid4().hex
        self._beat = float("-inf")

    def take(self) -> None:
        """Takes the lease; LeaseHeld, which names the owner, where another process has it."""
        found = self._read()
        self._refuse(found)
        if not self._put(found):
            raise LeaseHeld(self._held_by(_parsed(self._read())))

    def look(self) -> None:
        """Raises LeaseHeld where a process has it; takes nothing."""
        self._refuse(self._read())

    def renew(self) -> bool:
        """Writes a new beat; False where the lease was lost.

        While the store does not answer, the lease counts as lost once its duration has passed since
        the last renewal, since others may take it then.
        """
        try:
            found = self._read()
            return self._is_ours(found) and self._put(found)
        except StoreError:
            return self._clock() - self._beat <= self.seconds

    def held(self) -> bool:
        """Whether this object holds the lease."""
        return self._is_ours(self._read())

    def release(self) -> None:
        """Gives the lease back; does nothing where this object does not hold it."""
        found = self._read()
        if self._is_ours(found):
            self._files.swap(self._file, found, None)

    @contextmanager
    def kept(self, *, waits: bool = False) -> Iterator[None]:
        """Takes the lease, renews it from a thread, and gives it back at the end of the block.

        With `waits`, waits until the lease is free; otherwise LeaseHeld where another process has
        it.
        """
        while waits and not self._taken():
            time.sleep(WAIT_SECONDS)
        if not waits:
            self.take()
        stop = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.release()

    def _taken(self) -> bool:
        with suppress(LeaseHeld):
            self.take()
            return True
        return False

    def _beat_until(self, stop: threading.Event) -> None:
        while not stop.wait(self.seconds / RENEWALS):
            self.renew()

    def _read(self) -> bytes | None:
        return self._files.read(self._file)

    def _put(self, before: bytes | None) -> bool:
        now = self._clock()
        owner = Owner(
            token=self.token,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=process_identity(os.getpid()),
            beat=now,
        )
        if not self._files.swap(self._file, before, json.dumps(asdict(owner)).encode()):
            return False
        self._beat = now
        return True

    def _is_ours(self, content: bytes | None) -> bool:
        owner = _parsed(content)
        return owner is not None and owner.token == self.token

    def _refuse(self, content: bytes | None) -> None:
        """Raises LeaseHeld where this content is that of a lease in force."""
        owner = _parsed(content)
        if owner is not None and self._age(owner) <= self.seconds and not has_ended(owner):
            raise LeaseHeld(self._held_by(owner))

    def _age(self, owner: Owner) -> float:
        return max(0.0, self._clock() - owner.beat)

    def _held_by(self, owner: Owner | None) -> str:
        if owner is None:
            return f"{self.name}: another process holds the lease"
        return (
            f"{self.name}: process {owner.pid} on {owner.host} is at work on it "
            f"(last sign {self._age(owner):.0f} s ago); wait for it, or stop it"
        )


def _parsed(content: bytes | None) -> Owner | None:
    """None where there is no file, or one that is no lease: nobody can be renewing that."""
    try:
        return Owner(**json.loads(content)) if content else None
    except (ValueError, TypeError):
        return None


def process_identity(pid: int) -> str:
    """Boot, PID namespace and start time of a process on this machine; empty where the system does
    not say. A zombie has `ended` instead of its start time.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return f"{boot}/{space}/{'ended' if state in 'ZX' else numbers[18]}"


def has_ended(owner: Owner) -> bool:
    """Whether the owner's process is known to have ended; False where that can't be known here."""
    here = process_identity(os.getpid()).rpartition("/")[0]
    if not here or not owner.process.startswith(f"{here}/"):
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # the process exists and belongs to another user
    return process_identity(owner.pid) not in ("", owner.process)

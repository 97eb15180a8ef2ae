"""Leases: who is at work on a phase or a sweep.

A lease is a small file with a token, the host and process of its owner (for messages), and the
*beat*, the time at which the owner last showed that it lives. Whoever finds no file, or one that
has not beaten for its duration, may put its own in that place; `Files.swap` sees to it that of
several that try one succeeds. An owner that lost its lease learns it at the next renewal.

The beat is the owner's clock, so the clocks of the machines must agree to within the duration,
less the time between two renewals. A lease is a way not to do work twice, not a guard of what is
written: a record is created once, whoever comes first, and all would write the same numbers.

A lease whose process is known to have ended is taken over without waiting. That is known only of a
process in the same PID namespace of the same boot; containers that share a host name are told
apart by it, and a PID that was given to another process by the time it was started.
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
"""A lease that was not renewed for so long is free."""
RENEWALS = 6
"""A lease is renewed so many times within its duration."""
WAIT_SECONDS = 0.2
"""Between two looks at a lease that is waited for."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """What a lease's file says."""

    token: str
    """Of this one lease object, no other."""
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
        """On `leases/<name>.json` of `files`; `seconds`: free when not renewed for so long."""
        self._files, self.name, self.seconds, self._clock = files, name, seconds, clock
        self._file = f"leases/{name}.json"
        self.token = uuid.uuid4().hex
        self._beat = float("-inf")

    def take(self) -> None:
        """Takes the lease, or raises LeaseHeld that names the holder."""
        found = self._read()
        self._refuse(found)
        if not self._put(found):
            raise LeaseHeld(self._held_by(_parsed(self._read())))

    def look(self) -> None:
        """Raises LeaseHeld where somebody holds it."""
        self._refuse(self._read())

    def renew(self) -> bool:
        """Shows that the owner lives; False where the lease was lost.

        Where the store does not answer, the lease is lost when it has not been renewed for its
        duration, for then others may take it.
        """
        try:
            found = self._read()
            return self._is_ours(found) and self._put(found)
        except StoreError:
            return self._clock() - self._beat <= self.seconds

    def held(self) -> bool:
        """Whether this very lease is in place."""
        return self._is_ours(self._read())

    def release(self) -> None:
        """Gives it back; nothing happens where it is not held."""
        found = self._read()
        if self._is_ours(found):
            self._files.swap(self._file, found, None)

    @contextmanager
    def kept(self, *, waits: bool = False) -> Iterator[None]:
        """Takes the lease, renews it from a thread, and gives it back at the end of the block.

        LeaseHeld where another has it, unless it `waits` for it.
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
        """LeaseHeld where this is the file of a lease that somebody holds."""
        owner = _parsed(content)
        if owner is not None and self._age(owner) <= self.seconds and not has_ended(owner):
            raise LeaseHeld(self._held_by(owner))

    def _age(self, owner: Owner) -> float:
        return max(0.0, self._clock() - owner.beat)

    def _held_by(self, owner: Owner | None) -> str:
        if owner is None:
            return f"{self.name}: somebody else holds the lease"
        return (
            f"{self.name}: process {owner.pid} on {owner.host} is at work on it "
            f"(last sign {self._age(owner):.0f} s ago); wait for it, or stop it"
        )


def _parsed(content: bytes | None) -> Owner | None:
    """None where there is no lease, or a file that is none: nobody can be renewing that one."""
    try:
        return Owner(**json.loads(content)) if content else None
    except (ValueError, TypeError):
        return None


def process_identity(pid: int) -> str:
    """Boot, PID namespace and start of a process on this machine; empty where the system does not
    say. Of a process that has ended and was not yet collected, what no running one has.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return f"{boot}/{space}/{'ended' if state in 'ZX' else numbers[18]}"


def has_ended(owner: Owner) -> bool:
    """Whether the owner's process is known to have ended; False where nobody here can know."""
    here = process_identity(os.getpid()).rpartition("/")[0]
    if not here or not owner.process.startswith(f"{here}/"):
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and another user's
    return process_identity(owner.pid) not in ("", owner.process)

"""Leases: which process works on a phase or a sweep.

A lease is a small file that names its owner (`owner.py`) and has its *beat*, the time of the
owner's last sign of life, which it renews six times within the lease's duration. With `Files.swap`,
one of several that want the lease gets it. Whether it may be taken from its owner:

    the owner's process has ended (known only on the same machine and in the same container)
                              at once
    it is alive here          not while its last sign is younger than five durations: a laptop that
                              slept and a busy disk are no reason
    it is stopped here (Ctrl-Z, SIGSTOP), or can't be judged (another machine or container, before
    a reboot)                 not while its last sign is younger than one duration
    its last sign is older, or lies in the future by more than a duration (a clock is wrong), or
    the file is damaged       when the file was seen unchanged for a while: half a duration for an
                              old sign, the durations above for the others

So nothing rests on a clock or a file alone: whoever still works renews, and is seen to. A file that
is damaged while its owner works is written again by the owner.

An owner may lose its lease: its machine slept, its process was stopped. It learns so at its next
renewal, and `check` lets it ask before anything that only an owner may do: it costs nothing while
the last renewal is young, since nobody may have taken the lease yet, and reads the file otherwise.
What is left is an owner that is stopped between `check` and what it does next. What it would write
then is refused by the files themselves (`Files.owned`): a lease avoids doing work twice, and what
protects results is that only the phase's last owner can write, and its record once.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from xstilts.errors import LeaseHeld, LeaseLost, StoreAway, StoreError
from xstilts.store.files import Files
from xstilts.store.owner import Life, Owner, life_of, owner_of, process_identity

LEASE_SECONDS = 60.0
"""A lease's duration."""
RENEWALS = 6
"""Renewals of a lease within its duration."""
PATIENCE = 5
"""Durations for which an owner that is alive on this machine may give no sign."""
WATCHED = 0.5
"""Durations for which a lease with an old beat is watched before it is taken over."""
WAIT_SECONDS = 0.2
"""Time between two attempts to take a lease that is waited for."""

_AGAIN = "see with `xstilts status` whether another run goes on, else run the same command again"


class _Standing(NamedTuple):
    """How a lease's file stands to somebody who wants it."""

    patience: float
    """Seconds that it must be seen unchanged for; 0: it is free; infinite: it is held."""
    said: str = ""
    """Who holds it and what to do."""


class Lease:
    """The right to work on one thing. Thread-safe as far as `files` is."""

    def __init__(
        self,
        files: Files,
        name: str,
        seconds: float,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """A lease of this duration in `leases/<name>.json` of `files`. `clock` says seconds since
        1970, `ticks` seconds that nobody sets.
        """
        self._files, self.name, self.seconds = files, name, seconds
        self._clock, self._ticks = clock, ticks
        self._file = f"leases/{name}.json"
        self.token = uuid.uuid4().hex
        self._renewing = threading.Lock()
        self._renewed = (-math.inf, -math.inf)
        """The last renewal, by `clock` and by `ticks`."""
        self._lost = ""
        self._watched: tuple[bytes, float] | None = None
        """What another owner's file said, and since when."""

    # -- taking

    def take(self) -> None:
        """Takes the lease; LeaseHeld, which says who has it and what to do, where another process
        may have it.
        """
        found = self._read()
        self._refuse(found)
        if not self._put(found):
            raise LeaseHeld(f"{self.name}: another process has just begun with it; wait for it")
        self._lost, self._watched = "", None

    def look(self) -> None:
        """Raises LeaseHeld where another process may have it; takes nothing."""
        self._refuse(self._read())

    def _refuse(self, content: bytes | None) -> None:
        """Raises LeaseHeld unless the lease with this content may be taken."""
        patience, said = self._standing(content)
        if content is None or patience == 0:
            return
        before, now = self._watched, self._ticks()
        renewed = before is not None and before[0] != content
        if before is None or renewed:
            self._watched = before = content, now
        left = patience - (now - before[1])
        if left == math.inf:
            raise LeaseHeld(said)
        if renewed:
            raise LeaseHeld(f"{said}; yet it is renewed: wait for that process, or stop it")
        if left > 0:
            does = f"a run watches it for {left:.0f} s and takes it over if nobody renews it"
            raise LeaseHeld(f"{said}; {does}", watched=left)

    def _standing(self, content: bytes | None) -> _Standing:
        """The rules of the module's docstring."""
        if content is None:
            return _Standing(0)
        owner = owner_of(content)
        if owner is None:
            where = self._files.where(self._file)
            return _Standing(self.seconds, f"{self.name}: its lease, {where}, is damaged")
        life, age = life_of(owner), self._clock() - owner.beat
        if life == "ended":
            return _Standing(0)
        durations = PATIENCE if life == "alive" else 1
        if age < -owner.seconds:
            sign = f"its last sign lies {_span(-age)} in the future: a clock is wrong"
            return _Standing(durations * owner.seconds, f"{self._who(owner)} has it, but {sign}")
        if age > durations * owner.seconds:
            said = f"{self._who(owner)} has it, but gave no sign for {_span(age)}"
            return _Standing(WATCHED * owner.seconds, said)
        return _Standing(math.inf, self._held_by(owner, life, f"last sign {_span(age)} ago"))

    def _held_by(self, owner: Owner, life: Life, sign: str) -> str:
        if life == "stopped":
            return (
                f"{self._who(owner)} has it and is stopped ({sign}); wake it with "
                f"`kill -CONT {owner.pid}`, or end it with `kill -9 {owner.pid}`"
            )
        return f"{self._who(owner)} is at work on it ({sign}); wait for it, or stop it"

    def _who(self, owner: Owner) -> str:
        return f"{self.name}: process {owner.pid} on {owner.host}"

    # -- keeping

    def renew(self) -> bool:
        """Writes a new beat; False where the lease was lost, also at an earlier renewal. StoreAway
        where an object store gives no answer, so that nothing can be known.

        While the file can't be read, the lease counts as lost once its duration has passed since
        the last renewal, since others may take it then.
        """
        with self._renewing:
            if not self._lost:
                self._lost = self._renew()
            return not self._lost

    def _renew(self) -> str:
        """Renews the lease; returns what has become of it, empty where it is still this one."""
        silent = self._silent()
        try:
            found = self._read()
        except StoreAway:  # whoever wants the lease would have to ask the store too
            raise
        except StoreError as error:
            again = f"its file can't be read ({error}); {_AGAIN}"
            return "" if silent <= self.seconds else again
        owner = owner_of(found) if found is not None else None
        if found is None:
            return f"its file is gone; {_AGAIN}"
        if owner is None and silent > self.seconds:
            return f"{self._files.where(self._file)} is damaged; {_AGAIN}"
        if owner is not None and owner.token != self.token:
            return f"process {owner.pid} on {owner.host} has taken over and goes on with it"
        try:
            return "" if self._put(found) else "another process has taken over and goes on with it"
        except StoreAway:
            raise
        except StoreError:  # a full disk, say: the file still names this owner
            return ""

    def check(self) -> None:
        """Raises LeaseLost where the lease was lost, or may have been and can't be renewed."""
        if self._lost or (self._silent() > self.seconds / 2 and not self.renew()):
            raise LeaseLost(f"{self.name}: this process has lost its lease and ends: {self._lost}")

    def _silent(self) -> float:
        """Seconds since the last renewal, at least: while a machine sleeps, one clock may stop."""
        wall, ticks = self._renewed
        return max(self._clock() - wall, self._ticks() - ticks)

    def held(self) -> bool:
        """Whether this object holds the lease."""
        return self._is_ours(self._read())

    def release(self) -> None:
        """Gives the lease back; does nothing where this object does not hold it."""
        found = self._read()
        if self._is_ours(found):
            self._files.swap(self._file, found, None)

    def free_from(self, host: str, pid: int) -> bool:
        """Frees the lease where process `pid` of `host` has it; False where it has not.

        For one who knows better than the file that this process has ended, and that nobody else
        may take up its work meanwhile.
        """
        found = self._read()
        owner = owner_of(found) if found is not None else None
        if owner is None or (owner.host, owner.pid) != (host, pid):
            return False
        return self._files.swap(self._file, found, None)

    @contextmanager
    def kept(
        self, *, waits: bool = False, tell: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        """Takes the lease, renews it from a thread, and gives it back at the end of the block.

        LeaseHeld where another process may have it; with `waits`, waits until it is free. With
        `tell`, a lease of which that can't be known at once is watched, and `tell` gets a sentence
        about it. A block that goes on after the lease was lost is not interrupted: `check` says so.
        """
        self._wait(waits, tell)
        stop = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.release()

    def _wait(self, waits: bool, tell: Callable[[str], None] | None) -> None:
        """Takes the lease as `kept` says."""
        while True:
            try:
                return self.take()
            except LeaseHeld as held:
                if not waits and not (tell and held.watched):
                    raise
                if tell and held.watched:
                    tell(str(held))
                    tell = _told
            time.sleep(WAIT_SECONDS)

    def _beat_until(self, stop: threading.Event) -> None:
        while not stop.wait(self.seconds / RENEWALS):
            with suppress(StoreAway):  # whoever goes on with the block asks, and is told
                if not self.renew():
                    return

    # -- the file

    def _read(self) -> bytes | None:
        return self._files.read(self._file)

    def _put(self, before: bytes | None) -> bool:
        """Writes this owner with a new beat over `before`; False where the file has changed."""
        wall, ticks = self._clock(), self._ticks()
        owner = Owner(
            token=self.token,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=process_identity(os.getpid()),
            beat=wall,
            seconds=self.seconds,
        )
        if not self._files.swap(self._file, before, owner.content()):
            return False
        self._renewed = wall, ticks
        return True

    def _is_ours(self, content: bytes | None) -> bool:
        owner = owner_of(content) if content is not None else None
        return owner is not None and owner.token == self.token


def _told(message: str) -> None:
    """Says it no second time."""


def _span(seconds: float) -> str:
    """A time in words; one in the future is now."""
    seconds = max(0.0, seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

"""Leases: who is at work on a phase or a sweep."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import uuid
from pathlib import Path

from xstilts.errors import LeaseHeld
from xstilts.store.files import write_json

LEASE_SECONDS = 60.0
"""A lease that was not renewed for so long is free."""


class Lease:
    """The right to work on one thing, held as a file that its owner keeps renewing.

    Taking happens under a file lock, so of several that try one succeeds. A lease whose owner has
    not renewed it for its duration, or died on this machine, is taken over.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.owner = {"token": uuid.uuid4().hex, "host": socket.gethostname(), "pid": os.getpid()}

    def take(self) -> None:
        """Takes the lease, or raises LeaseHeld that names the holder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.parent / ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.look()
            write_json(self.path, self.owner)

    def look(self) -> None:
        """Raises LeaseHeld where somebody holds it."""
        if self.path.exists() and not self._expired():
            raise LeaseHeld(self._holder())

    def _expired(self) -> bool:
        try:
            age = time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return False
        return age > self.seconds or self._owner_died_here()

    def _owner_died_here(self) -> bool:
        try:
            owner = json.loads(self.path.read_bytes())
            if owner["host"] != socket.gethostname():
                return False
            os.kill(int(owner["pid"]), 0)
        except ProcessLookupError:
            return True
        except (OSError, ValueError, KeyError):
            return False
        return False

    def _holder(self) -> str:
        try:
            owner = json.loads(self.path.read_bytes())
            age = time.time() - self.path.stat().st_mtime
        except (OSError, ValueError):
            return f"{self.path.stem}: somebody else holds the lease"
        return (
            f"{self.path.stem}: process {owner['pid']} on {owner['host']} is at work on it "
            f"(last sign {age:.0f} s ago); wait for it, or stop it"
        )

    def renew(self) -> bool:
        """Shows that the owner lives; False where the lease was lost."""
        if not self.held():
            return False
        os.utime(self.path)
        return True

    def held(self) -> bool:
        """Whether this very lease is in place."""
        try:
            return bool(json.loads(self.path.read_bytes())["token"] == self.owner["token"])
        except (OSError, ValueError, KeyError):
            return False

    def release(self) -> None:
        """Gives it back; nothing happens where it is not held."""
        if self.held():
            self.path.unlink(missing_ok=True)

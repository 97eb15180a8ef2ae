"""Phases on disk: found again by id, complete or not there at all.

    <store>/phases/<id>/       one phase
        spec.json              what was asked for
        partial/               while it runs: a checkpoint to resume from
        model/                 encoder and tokenizer (`AutoModel.from_pretrained` opens it), heads
        predictions/<lang>.parquet, scores.parquet       an evaluation
        record.json            written last, atomically: without it the phase is not done
    <store>/leases/<name>.json who is at work on a phase or sweep; a dead one's lease runs out
    <store>/sweeps/<name>-v<version>/   a sweep's ledger, studies and report
    <store>/data/              tokenised data, shared by all phases

A record holds the payload that was hashed, the parents, results with their units, and provenance.
The store never overwrites a record and never deletes a phase.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from xstilts.errors import CorruptError, LeaseHeld, StoreError
from xstilts.identity import PhaseSpec, digest

RECORD = "record.json"
LEASE_SECONDS = 60.0
"""A lease that was not renewed for so long is free."""


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` atomically: readers see the old file or the whole new one."""
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` atomically and durably; raises StoreError where it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o644)  # a temporary file is closed to others; a store is shared
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise store_error(error, path) from error


def store_error(error: OSError, path: Path) -> StoreError:
    """The StoreError that says what an OSError on `path` means for the user."""
    if error.errno == errno.ENOSPC:
        return StoreError(
            f"{path}: the disk is full; free some space and run the same command again: what has a record is kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(f"{path}: not writable ({error.strerror}); give `store:` a folder that you may write to")
    return StoreError(f"{path}: {error.strerror or error}")


class Phase:
    """One phase's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    @property
    def model(self) -> Path:
        """Folder of the checkpoint."""
        return self.folder / "model"

    @property
    def partial(self) -> Path:
        """Folder of the checkpoint to resume from."""
        return self.folder / "partial"

    @property
    def predictions(self) -> Path:
        """Folder of the predictions, one Parquet file a language."""
        return self.folder / "predictions"

    @property
    def scores(self) -> Path:
        """Parquet: task, language, split, metric, value (0 to 100), n."""
        return self.folder / "scores.parquet"

    @property
    def done(self) -> bool:
        """Whether it has a record."""
        return (self.folder / RECORD).exists()

    def record(self) -> dict[str, Any]:
        """The record; CorruptError says what to do where it can't be read."""
        path = self.folder / RECORD
        try:
            record = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise StoreError(f"{self.folder}: this phase has no record yet") from None
        except (ValueError, OSError) as error:
            raise CorruptError(f"{path}: damaged ({error}); move this folder away and run the sweep again") from error
        if not isinstance(record, dict) or record.get("id") != self.id or digest(record.get("payload")) != self.id:
            raise CorruptError(f"{path}: not the record of this phase; move this folder away and run the sweep again")
        return record

    def begin(self, spec: PhaseSpec) -> None:
        """Makes the folder and writes down what was asked for."""
        write_json(self.folder / "spec.json", spec.model_dump(mode="json"))

    def spec(self) -> PhaseSpec:
        """What was asked for."""
        return PhaseSpec.model_validate_json((self.folder / "spec.json").read_bytes())

    def finish(self, spec: PhaseSpec, result: dict[str, Any], provenance: dict[str, Any]) -> None:
        """Writes the record, last, unless another has: the first one stays. Drops the partial."""
        if spec.id != self.id:
            raise StoreError(f"{self.folder}: asked to finish {spec.id}")
        if not self.done:
            write_json(
                self.folder / RECORD,
                {
                    "format": 1,
                    "id": self.id,
                    "payload": spec.payload(),
                    "spec": spec.model_dump(mode="json"),
                    "parent": spec.parent_phase,
                    "result": result,
                    "provenance": provenance,
                },
            )
        shutil.rmtree(self.partial, ignore_errors=True)


class Store:
    """A folder of phases. Safe for several processes; holds no state but its path."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()

    def prepare(self) -> Store:
        """Makes the folder; StoreError where it can't be written to. Returns itself."""
        probe = self.path / f".probe-{uuid.uuid4().hex}"
        try:
            for name in ("phases", "leases", "sweeps", "data"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise store_error(error, self.path) from error
        return self

    def phase(self, phase_id: str) -> Phase:
        """The folder of one phase, there or not."""
        return Phase(self.path / "phases" / phase_id)

    def done(self) -> set[str]:
        """Ids of the phases that have a record."""
        folder = self.path / "phases"
        if not folder.is_dir():
            return set()
        return {entry.name for entry in os.scandir(folder) if os.path.exists(os.path.join(entry.path, RECORD))}

    def sweep_folder(self, name: str, version: int) -> Path:
        """Where a sweep keeps its ledger, studies and report."""
        return self.path / "sweeps" / f"{name}-v{version}"

    def sweeps(self) -> Iterator[Path]:
        """Folders of all sweeps."""
        folder = self.path / "sweeps"
        yield from sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else ()

    @property
    def data(self) -> Path:
        """Folder of the tokenised data."""
        return self.path / "data"

    def lease(self, name: str, seconds: float = LEASE_SECONDS) -> Lease:
        """A lease on `name`, not yet taken."""
        return Lease(self.path / "leases" / f"{name}.json", seconds)


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

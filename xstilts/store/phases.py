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

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xstilts.errors import CorruptError, StoreError
from xstilts.spec.digests import digest
from xstilts.spec.phase import PhaseSpec
from xstilts.store.files import store_error, write_json
from xstilts.store.lease import LEASE_SECONDS, Lease

RECORD = "record.json"


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
            raise CorruptError(
                f"{path}: damaged ({error}); move this folder away and run the sweep again"
            ) from error
        if (
            not isinstance(record, dict)
            or record.get("id") != self.id
            or digest(record.get("payload")) != self.id
        ):
            raise CorruptError(
                f"{path}: not the record of this phase; move this folder away and run the "
                "sweep again"
            )
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
        return {
            entry.name
            for entry in os.scandir(folder)
            if os.path.exists(os.path.join(entry.path, RECORD))
        }

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

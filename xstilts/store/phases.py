"""Phases by id: each is complete or does not exist.

    <store>/phases/<id>/       one phase
        spec.json              what was asked for
        partial/<update>/      while it runs: checkpoints to resume from
        model/                 encoder and tokenizer (`AutoModel.from_pretrained` opens it), heads
        predictions/<lang>.parquet                       an evaluation
        record.json            written last, atomically: without it the phase is not done
    <store>/leases/<name>.json which process works on a phase or sweep; leases of dead ones run out
    <store>/sweeps/<name>-v<version>/   a sweep's ledger, studies and report
    <store>/data/              tokenised data, shared by all phases
    <store>/logs/              logs of what ended a command unforeseen

A record holds the payload that was hashed, the parents, results with their units, and provenance
(`results.py`). The store never overwrites a record and never deletes a phase.

Phases and leases use `files.Files`, and nobody outside the store gets a path to write to: a phase
gives tables, its record and local folders to read, and takes what is to be kept. Sweeps and data
are local folders.
"""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import CorruptError, StoreError
from xstilts.spec.digests import digest
from xstilts.spec.phase import PhaseSpec
from xstilts.store.files import Files
from xstilts.store.folder_files import FolderFiles
from xstilts.store.inside import inside, part
from xstilts.store.lease import LEASE_SECONDS, Lease
from xstilts.store.local_files import store_error
from xstilts.store.results import Provenance, Record, Result
from xstilts.store.sweeps import own_folder

if TYPE_CHECKING:
    import pyarrow

RECORD = "record.json"
_AGAIN = "move this folder away and run the sweep again"


class Phase:
    """One phase, whether it exists or not."""

    def __init__(self, files: Files, phase_id: str) -> None:
        self._files, self._prefix, self.id = files, f"phases/{phase_id}", phase_id

    def _name(self, rest: str) -> str:
        return f"{self._prefix}/{rest}"

    @property
    def where(self) -> str:
        """Where this phase lies, for messages."""
        return self._files.where(self._prefix)

    # -- spec and record

    @property
    def done(self) -> bool:
        """Whether it has a record."""
        return self._files.has(self._name(RECORD))

    def begin(self, spec: PhaseSpec) -> None:
        """Writes the spec."""
        self._files.write(self._name("spec.json"), _json(spec.model_dump(mode="json")))

    def spec(self) -> PhaseSpec | None:
        """The spec; None where the phase has not begun, ValueError where it can't be read."""
        content = self._files.read(self._name("spec.json"))
        return None if content is None else PhaseSpec.model_validate_json(content)

    def record(self) -> Record:
        """The record; StoreError where there is none, CorruptError, which says what to do, where it
        can't be read.
        """
        content = self._files.read(self._name(RECORD))
        if content is None:
            raise StoreError(f"{self.where}: this phase has no record yet")
        try:
            return self._parsed(content)
        except CorruptError as error:
            path = self._files.where(self._name(RECORD))
            raise CorruptError(f"{path}: {error}; {_AGAIN}") from error

    def _parsed(self, content: bytes) -> Record:
        """The record in its file's content; CorruptError says what is wrong with it."""
        try:
            values = json.loads(content)
        except ValueError as error:
            raise CorruptError(f"damaged ({error})") from error
        whole = isinstance(values, dict) and digest(values.get("payload")) == self.id
        if not whole or values.get("id") != self.id:
            raise CorruptError("not the record of this phase")
        try:
            return Record.of_json(values)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptError(f"a part of it is missing ({error})") from error

    def payload_and_tasks(self) -> tuple[dict[str, Any], tuple[str, ...]] | None:
        """What was hashed, and the names of its tasks, out of the record, which is not looked at
        any further; None where there is none that can be read.
        """
        try:
            values = json.loads(self._files.read(self._name(RECORD)) or b"null")
            names = tuple(member["task"]["name"] for member in values["spec"]["members"])
            return dict(values["payload"]), names
        except (KeyError, TypeError, ValueError):
            return None

    def finish(self, spec: PhaseSpec, result: Result, provenance: Provenance) -> None:
        """Writes the record, unless there is one already: the first record stays. Removes the
        partial checkpoints.
        """
        if spec.id != self.id:
            raise StoreError(f"{self.where}: asked to finish {spec.id}")
        record = Record(
            id=self.id,
            payload=spec.payload(),
            spec_json=spec.model_dump(mode="json"),
            parent=spec.parent_phase,
            result=result,
            provenance=provenance,
        )
        self._files.swap(self._name(RECORD), None, _json(record.to_json()))
        with suppress(StoreError):  # the phase is done, whatever is left over
            self._files.remove(self._name("partial"))

    def set_aside(self) -> str:
        """Moves a damaged phase aside, so that it can be run again; returns its new place."""
        aside = f"{self._prefix}.damaged-{int(time.time() * 1000)}"
        self._files.keep(self._files.folder(self._prefix), aside)
        self._files.remove(self._prefix)
        return self._files.where(aside)

    # -- predictions

    def predictions(self, language: str, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """The predictions of a language, a row for each example; `columns` that do not exist are
        left out.

        StoreError where there are none, CorruptError where they can't be read.
        """
        from pyarrow import ArrowException, BufferReader, parquet

        name = self._name(f"predictions/{part(language)}.parquet")
        content = self._files.read(name)
        if content is None:
            raise StoreError(f"{self._files.where(name)}: there are no predictions")
        try:
            return parquet.ParquetFile(BufferReader(content)).read(columns=columns)
        except (ArrowException, OSError) as error:
            raise CorruptError(f"{self._files.where(name)}: damaged ({error}); {_AGAIN}") from error

    def keep_predictions(self, language: str, table: Mapping[str, Sequence[Any]]) -> None:
        """Keeps the predictions of a language, column to values."""
        import pyarrow
        from pyarrow import parquet

        columns = pyarrow.table({name: list(values) for name, values in table.items()})
        buffer = io.BytesIO()
        parquet.write_table(columns, buffer, compression="zstd")
        self._files.write(self._name(f"predictions/{part(language)}.parquet"), buffer.getvalue())

    # -- checkpoints

    def staging(self) -> AbstractContextManager[Path]:
        """A local folder for `keep_checkpoint` or `keep_partial`; removed at the block's end."""
        return self._files.scratch(self._name("partial"))

    @property
    def checkpoint_where(self) -> str:
        """Where the checkpoint lies, for messages."""
        return self._files.where(self._name("model"))

    def checkpoint(self) -> Path:
        """A local folder with the checkpoint, to read; empty or missing where there is none."""
        return self._files.folder(self._name("model"))

    def keep_checkpoint(self, folder: Path) -> None:
        """Keeps a local folder as the checkpoint; the folder may be gone afterwards."""
        self._files.keep(folder, self._name("model"))

    def partials(self) -> list[int]:
        """Updates that have a partial checkpoint, newest first; it may be damaged."""
        found = self._files.names(self._name("partial"))
        return sorted((int(name) for name in found if name.isdigit()), reverse=True)

    def partial(self, step: int) -> Path:
        """A local folder with the partial checkpoint of an update, to read."""
        return self._files.folder(self._partial(step))

    def keep_partial(self, step: int, folder: Path) -> None:
        """Keeps a local folder as an update's partial checkpoint; it may be gone afterwards."""
        self._files.keep(folder, self._partial(step))

    def drop_partial(self, step: int) -> None:
        """Removes the partial checkpoint of an update; what can't be removed stays."""
        with suppress(StoreError):
            self._files.remove(self._partial(step))

    def _partial(self, step: int) -> str:
        return self._name(f"partial/{step:09d}")


class Store:
    """Phases, sweeps, data and leases. Safe for several processes; its only state is its path."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._files: Files = FolderFiles(self.path)

    def prepare(self) -> Store:
        """Makes the folders; StoreError where the store can't be written to, or a link in it leads
        out of it (but `data`, which may lie elsewhere). Returns itself.
        """
        for name in ("phases", "leases", "sweeps", "train", "logs", "mlflow.db"):
            inside(self.path, name)
        probe = f"probe-{uuid.uuid4().hex}"
        self._files.write(probe, b"x")
        self._files.remove(probe)
        try:
            for name in ("sweeps", "data"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, self.path) from error
        return self

    def phase(self, phase_id: str) -> Phase:
        """One phase, whether it exists or not."""
        return Phase(self._files, phase_id)

    def done(self) -> set[str]:
        """Ids of the phases that have a record."""
        return {one for one in self._files.names("phases") if self.phase(one).done}

    def sweep_folder(self, name: str, version: int) -> Path:
        """Where a sweep keeps its ledger, studies and report; StoreError where a link there leads
        elsewhere.
        """
        return own_folder(inside(self.path, f"sweeps/{part(name)}-v{version}"))

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
        return Lease(self._files, name, seconds)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()

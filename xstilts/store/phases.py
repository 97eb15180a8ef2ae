"""Phases by id: each is complete or does not exist.

    <store>/phases/<id>/       one phase
        spec.json              what was asked for and which checkpoint it starts from, until there
                               is a record
        partial/<update>/      while it runs: checkpoints to resume from
        model/                 encoder and tokenizer (`AutoModel.from_pretrained` opens it), heads
        predictions/<lang>.parquet                       an evaluation
        record.json            written last, atomically: without it the phase is not done
        damage.json            what was found to be damaged; the next run makes the phase again
        dropped.json           why model/ is not kept any more (`dropped.py`); the record stays
    <store>/damaged/<id>-<time>/    a damaged phase that was moved aside
    <store>/leases/<name>.json which process works on a phase or sweep; leases of dead ones run out
    <store>/sweeps/<name>-v<version>/   a sweep's ledger, studies and report
    <store>/data/              tokenised data, shared by all phases
    <store>/logs/              logs of what ended a command unforeseen

A record holds the payload that was hashed, the parents, results with their units, provenance, and
size and hash of every other file of the phase (`results.py`); its own digest is in it. Whatever is
read of a finished phase is compared with them, so that a damaged file is an error and never another
number. The store never overwrites a record and never deletes a phase.

Phases and leases use `files.Files`, and nobody outside the store gets a path to write to: a phase
gives tables, its record and local folders to read, and takes what is to be kept. Sweeps and data
are local folders.
"""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from xstilts.errors import CorruptError, StoreError, first_line
from xstilts.spec.addresses import is_address
from xstilts.spec.digests import digest
from xstilts.spec.phase import PhaseSpec
from xstilts.store import addresses, dropped, sums, sweep_copies
from xstilts.store.dropped import Dropped
from xstilts.store.files import Files, Rubbish
from xstilts.store.folder_files import FolderFiles
from xstilts.store.inside import inside, part as one_part
from xstilts.store.lease import LEASE_SECONDS, Lease
from xstilts.store.local_files import store_error
from xstilts.store.results import CHECKPOINT, Provenance, Record, Result
from xstilts.store.sums import FileSum
from xstilts.store.sweeps import own_folder

if TYPE_CHECKING:
    import pyarrow

    from xstilts.store.objects import Objects
    from xstilts.store.sweep_copies import Sender

RECORD = "record.json"
_SPEC = "spec.json"
_DAMAGE = "damage.json"
_PREDICTIONS = "predictions"
_AGAIN = "`xstilts run` makes this phase again"


class Phase:
    """One phase, whether it exists or not. It reads its record once.

    `sure` is called before anything is begun, kept or finished, and raises LeaseLost where the
    phase is another worker's.
    """

    def __init__(
        self, files: Files, phase_id: str, sure: Callable[[], None] = lambda: None
    ) -> None:
        self._files, self._prefix, self.id = files, f"phases/{phase_id}", phase_id
        self._sure = sure
        self._sums: dict[str, FileSum] = {}
        """Of the files that this object has kept."""
        self._started_from: str | None = None
        self._record: Record | None = None

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

    @property
    def complete(self) -> bool:
        """Whether it has a record, and its checkpoint was not dropped."""
        return self.done and self.dropped is None

    @property
    def dropped(self) -> Dropped | None:
        """When and why its checkpoint was dropped; None where it was not."""
        note = self._files.read(self._name(dropped.NOTE))
        return None if note is None else Dropped.of(note)

    def drop_checkpoint(self, note: Dropped) -> None:
        """Removes the checkpoint of a finished phase; the record and `note` stay. Hold the phase's
        lease.
        """
        self.record()
        self._sure()
        self._files.write(self._name(dropped.NOTE), note.content())
        self._files.remove(self._name(CHECKPOINT))

    def begin(self, spec: PhaseSpec) -> bool:
        """Takes the phase over, and writes the spec and which checkpoint the phase starts from;
        False where the phase is complete. Partial checkpoints that came from another checkpoint,
        which was damaged, are removed.

        From now on nothing is kept that another object of this phase, which began before, would
        keep: in whatever process it is, and however late it goes on, it gets LeaseLost.
        """
        self._started_from = self._seal_of_parent(spec)
        self._files = self._files.owned(self._prefix, uuid.uuid4().hex, self._sure)
        if self.complete:
            return False
        begun = {"spec": spec.model_dump(mode="json"), "started_from": self._started_from}
        if self._files.read(self._name(_SPEC)) != _json(begun):
            self._files.remove(self._name("partial"))
            self._files.write(self._name(_SPEC), _json(begun))
        return True

    def spec(self) -> PhaseSpec | None:
        """What was asked for; None where the phase has not begun. ValueError where it can't be
        read.
        """
        if self.done:
            return self.record().spec
        content = self._files.read(self._name(_SPEC))
        try:
            if content is None:
                return None
            return PhaseSpec.model_validate(json.loads(content)["spec"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{self._files.where(self._name(_SPEC))}: no spec in it") from error

    def record(self) -> Record:
        """The record; StoreError where there is none, CorruptError, which says what to do, where it
        can't be read.
        """
        if self._record is None:
            values = self._values()
            try:
                self._record = Record.of_json(values)
            except (KeyError, TypeError, ValueError) as error:
                raise self._corrupt(RECORD, f"a part of it is missing ({error})") from error
        return self._record

    def _values(self) -> dict[str, Any]:
        """The content of the record, which is as it was written."""
        content = self._files.read(self._name(RECORD))
        if content is None:
            raise StoreError(f"{self.where}: this phase has no record yet")
        try:
            values = from_json(content)  # three times as fast as json.loads
            written = values.pop("digest", "")
            if values["format"] == 1:
                wrong = "it was written by a version of xstilts that kept no checksums"
            elif values["id"] != self.id or digest(values["payload"]) != self.id:
                wrong = "not the record of this phase"
            else:
                wrong = "" if digest(values) == written else "it is not as it was written"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._corrupt(RECORD, f"damaged ({first_line(error)})") from error
        if wrong:
            raise self._corrupt(RECORD, wrong)
        return dict(values)

    def _corrupt(self, name: str, wrong: str) -> CorruptError:
        return CorruptError(f"{self._files.where(self._name(name))}: {wrong}; {_AGAIN}", self.id)

    def payload_and_tasks(self) -> tuple[dict[str, Any], tuple[str, ...]] | None:
        """What was hashed, and the names of its tasks, out of the record, of which no value is
        made; None where there is none that can be read.
        """
        try:
            values = self._values()
            names = tuple(member["task"]["name"] for member in values["spec"]["members"])
            return dict(values["payload"]), names
        except (StoreError, KeyError, TypeError):
            return None

    def finish(self, spec: PhaseSpec, result: Result, provenance: Provenance) -> None:
        """Writes the record, unless there is one already: the first record stays, also where the
        checkpoint was dropped and is made again as it was. Removes the partial checkpoints.
        """
        if spec.id != self.id:
            raise StoreError(f"{self.where}: asked to finish {spec.id}")
        started = self._started_from
        record = Record(
            id=self.id,
            payload=spec.payload(),
            spec_json=spec.model_dump(mode="json"),
            parent=spec.parent_phase,
            result=result,
            provenance=provenance,
            files=self._kept(),
            started_from=self._seal_of_parent(spec) if started is None else started,
        )
        values = json.loads(_json(record.to_json()))
        self._sure()
        content = _json({**values, "digest": digest(values)})
        if not self._files.swap(self._name(RECORD), None, content):
            self._made_again(record, content)
        with suppress(StoreError):  # the phase is done, whatever is left over
            self._files.remove(self._name(_SPEC))
            self._files.remove(self._name("partial"))

    def _made_again(self, record: Record, content: bytes) -> None:
        """Ends the note about a checkpoint that was dropped. Where the new one differs, the record
        as it was is put aside and the new one takes its place: what was trained from the old one
        names its seal, and is found out.
        """
        if self.dropped is None:
            return
        if record.checkpoint_seal != self.record().checkpoint_seal:
            before = self._files.read(self._name(RECORD))
            aside = f"damaged/{self.id}-{int(time.time() * 1000)}"
            self._files.write(f"{aside}/{RECORD}", before or b"")
            self._files.swap(self._name(RECORD), before, content)
            self._record = None
        self._files.remove(self._name(dropped.NOTE))

    def _kept(self) -> dict[str, FileSum]:
        """The files of the phase. What this object kept is known; the rest is read."""
        found: dict[str, FileSum] = {}
        for part in (CHECKPOINT, _PREDICTIONS):
            there = self._files.sizes(self._name(part))
            own = sums.below(part, self._sums)
            if {*own} != {*there}:
                own = self._summed(part)
            found.update({f"{part}/{name}": one for name, one in own.items()})
        return found

    def _summed(self, part: str) -> dict[str, FileSum]:
        folder = self._files.folder(self._name(part))
        try:
            return sums.of_folder(folder, durable=True)
        except OSError as error:
            raise store_error(error, folder) from error

    def _seal_of_parent(self, spec: PhaseSpec) -> str:
        """Seal of the checkpoint that this phase starts from; empty where there is none."""
        parent = Phase(self._files, spec.parent_phase) if spec.parent_phase else None
        return parent.record().checkpoint_seal if parent and parent.done else ""

    # -- damage

    def fault(self, *, whole: bool = False) -> str:
        """What is wrong with a phase that has a record, in a few words; empty where nothing is.

        The record is read, and each of its files must be there and have its size. With `whole`, all
        files are read and must have their hashes. Damage that was noted counts.
        """
        noted = self._files.read(self._name(_DAMAGE))
        return _noted(noted) if noted else self.damage(whole=whole)

    def damage(self, *, whole: bool = True) -> str:
        """`fault`, whatever was noted."""
        try:
            record = self.record()
            for part in (CHECKPOINT, _PREDICTIONS):
                wrong = self._fault_of(part, record, whole)
                if wrong and not (part == CHECKPOINT and self.dropped):
                    return f"{part}/{wrong}"
        except StoreError as error:
            return str(error).removeprefix(f"{self.where}/").removesuffix(f"; {_AGAIN}")
        return ""

    def _fault_of(self, part: str, record: Record, whole: bool) -> str:
        meant = sums.below(part, record.files)
        if whole:
            return self._files.fault(self._name(part), meant)
        return sums.fault_of_sizes(self._files.sizes(self._name(part)), meant)

    def note_damage(self, wrong: str) -> None:
        """Notes that the phase is damaged, so that the next run makes it again. StoreError where
        that can't be written.
        """
        self._files.write(self._name(_DAMAGE), _json({"wrong": wrong}))

    def forget_damage(self) -> None:
        """Takes the note back: the files were put right."""
        self._files.remove(self._name(_DAMAGE))

    def set_aside(self) -> str:
        """Moves a damaged phase aside, so that it can be run again; returns its new place."""
        aside = f"damaged/{self.id}-{int(time.time() * 1000)}"
        self._files.move(self._prefix, aside)
        self._record = None
        return self._files.where(aside)

    # -- predictions

    def predictions(self, language: str, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """The predictions of a language, a row for each example; `columns` that do not exist are
        left out.

        StoreError where there are none, CorruptError where they can't be read.
        """
        from pyarrow import ArrowException, BufferReader, parquet

        name = f"{_PREDICTIONS}/{one_part(language)}.parquet"
        meant = (self.record().files if self.done else self._sums).get(name)
        content = self._files.read(self._name(name))
        if meant is None or content is None:
            if meant is not None:
                raise self._corrupt(name, "it is missing")
            raise StoreError(f"{self._files.where(self._name(name))}: there are no predictions")
        if wrong := sums.difference("it", sums.of_bytes(content), meant):
            raise self._corrupt(name, f"damaged: {wrong}")
        try:
            return parquet.ParquetFile(BufferReader(content)).read(columns, use_threads=False)
        except (ArrowException, OSError) as error:
            raise self._corrupt(name, f"damaged ({error})") from error

    def keep_predictions(self, language: str, table: Mapping[str, Sequence[Any]]) -> None:
        """Keeps the predictions of a language, column to values; does nothing where the phase has a
        record.
        """
        import pyarrow
        from pyarrow import parquet

        if self.done:
            return
        columns = pyarrow.table({name: list(values) for name, values in table.items()})
        buffer = io.BytesIO()
        parquet.write_table(columns, buffer, compression="zstd")
        name, content = f"{_PREDICTIONS}/{one_part(language)}.parquet", buffer.getvalue()
        self._sure()
        self._files.write(self._name(name), content)
        self._sums[name] = sums.of_bytes(content)

    # -- checkpoints

    def staging(self) -> AbstractContextManager[Path]:
        """A local folder for `keep_checkpoint` or `keep_partial`; removed at the block's end."""
        return self._files.scratch(self._name("partial"))

    @property
    def checkpoint_where(self) -> str:
        """Where the checkpoint lies, for messages."""
        return self._files.where(self._name("model"))

    def checkpoint(self) -> Path:
        """A local folder with the checkpoint of a phase that is done, to read.

        A process reads the files once and compares them with the record. StoreError where the phase
        has no record; CorruptError where a file is not as it was written, which is noted too, so
        that the next run trains the phase again.
        """
        if note := self.dropped:
            again = f"`xstilts run SWEEP --remake {self.id}` makes it again"
            raise CorruptError(f"{self.checkpoint_where}: {note}; {again}", self.id)
        meant = sums.below(CHECKPOINT, self.record().files)
        try:
            folder = self._files.folder(self._name(CHECKPOINT))
            wrong = sums.fault(folder, meant)
        except CorruptError as error:  # it could not be brought to this machine whole
            wrong = str(error)
        if wrong:
            with suppress(StoreError):  # a store that is only read
                self.note_damage(f"{CHECKPOINT}/{wrong}")
            raise self._corrupt(CHECKPOINT, f"this checkpoint is damaged: {wrong}")
        return folder

    def keep_checkpoint(self, folder: Path) -> None:
        """Keeps a local folder as the checkpoint, on the disk when this returns; the folder may be
        gone afterwards. Does nothing where the phase has a record and its checkpoint.
        """
        if self.complete:
            return
        try:
            made = sums.of_folder(folder, durable=True)
        except OSError as error:
            raise store_error(error, folder) from error
        self._sure()
        self._files.keep(folder, self._name(CHECKPOINT))
        self._sums.update({f"{CHECKPOINT}/{name}": one for name, one in made.items()})

    def partials(self) -> list[int]:
        """Updates that have a partial checkpoint, newest first; it may be damaged."""
        found = self._files.names(self._name("partial"))
        return sorted((int(name) for name in found if name.isdigit()), reverse=True)

    def partial(self, step: int) -> Path:
        """A local folder with the partial checkpoint of an update, to read."""
        return self._files.folder(self._partial(step))

    def keep_partial(self, step: int, folder: Path) -> None:
        """Keeps a local folder as an update's partial checkpoint; it may be gone afterwards."""
        self._sure()
        self._files.keep(folder, self._partial(step))

    def drop_partial(self, step: int) -> None:
        """Removes the partial checkpoint of an update; what can't be removed stays."""
        self._sure()
        with suppress(StoreError):
            self._files.remove(self._partial(step))

    def _partial(self, step: int) -> str:
        return self._name(f"partial/{step:09d}")


class Store:
    """Phases, sweeps, data and leases. Safe for several processes; its only state is its place."""

    path: Path
    """The folder of the store, or its home on this machine: what is opened as a file lies there."""
    _objects: Objects | None = None
    """Of a store in an object store."""

    def __init__(self, place: str | Path) -> None:
        """`place`: a folder, or an address in an object store (`addresses`), of which a folder may
        be the home on this machine. StoreError where it can't be used.
        """
        remote = str(place) if is_address(place) else None
        if remote is None:
            self.path = addresses.folder(place)
            remote = addresses.address_of_home(self.path)
        self._files: Files = FolderFiles(self.path) if remote is None else self._at(remote)

    def _at(self, place: str) -> Files:
        """The files of a store in an object store."""
        from xstilts.store.object_files import ObjectFiles
        from xstilts.store.objects import objects_at

        place = addresses.address(place)
        self._objects = objects_at(place)
        self.path = addresses.made_home(place)
        return ObjectFiles(self._objects, self.path)

    @property
    def address(self) -> str:
        """What another process or machine opens this store by: `Store(store.address)`."""
        return self._objects.place if self._objects is not None else str(self.path)

    @property
    def remote(self) -> bool:
        """Whether it lies in an object store."""
        return self._objects is not None

    def when_silent(self, tell: Callable[[str], None]) -> None:
        """`tell` gets a sentence when the store has given no answer for some seconds."""
        if self._objects is not None:
            self._objects.patience.tell = tell

    def has_answered(self) -> Store:
        """For a process that another one, which has used the store, has started: a store that gives
        no answer is waited for as long as any. Returns itself.
        """
        if self._objects is not None:
            self._objects.patience.answered = True
        return self

    def prepare(self) -> Store:
        """Makes the folders; StoreError where the store can't be written to, or a link in it leads
        out of it (but `data`, which may lie elsewhere). Returns itself.
        """
        for name in ("phases", "leases", "sweeps", "train", "logs", "mlflow.db"):
            inside(self.path, name)
        self.check_writable()
        try:
            for name in ("sweeps", "data"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, self.path) from error
        return self

    def check_writable(self) -> None:
        """StoreError where the store can't be written to, or can't do what leases need."""
        if self._objects is not None:
            self._objects.checked()
            return
        probe = f"probe-{uuid.uuid4().hex}"
        self._files.write(probe, b"x")
        self._files.remove(probe)

    def phase(self, phase_id: str, sure: Callable[[], None] = lambda: None) -> Phase:
        """One phase, whether it exists or not; `sure` as `Phase` says."""
        return Phase(self._files, phase_id, sure)

    def expect(self, phases: Iterable[str]) -> set[str]:
        """Says which phases are about to be looked at: where each question to the store takes time,
        they are read together. Returns those that are known by that to have no record.
        """
        lacking = self._files.expect([f"phases/{one}" for one in phases], RECORD)
        return {one.removeprefix("phases/") for one in lacking}

    def begun(self) -> list[str]:
        """Ids of all phases, finished or not."""
        return self._files.names("phases")

    @property
    def empty(self) -> bool:
        """Whether no phase has ever begun here."""
        return not self._files.some("phases")

    def done(self, among: Iterable[str] | None = None) -> set[str]:
        """Ids of the phases that have a record: those of `among`, or of all that there are, which
        takes the longer the more there are.
        """
        asked = list(dict.fromkeys(self.begun() if among is None else among))
        lacking = self.expect(asked)
        return {one for one in asked if one not in lacking and self.phase(one).done}

    def rubbish(self) -> Rubbish:
        """What nobody needs any more of what writers left that were killed or came too late;
        nothing in a folder, where it goes with its phase.
        """
        return self._files.rubbish()

    def sweep_up(self) -> Rubbish:
        """Removes the rubbish, and returns what it was."""
        found = self.rubbish()
        if self._objects is not None:
            self._objects.delete(found.keys)
        return found

    def set_aside(self) -> int:
        """How many damaged phases were moved aside and are still there."""
        return len(self._files.names("damaged"))

    def sweep_folder(self, name: str, version: int) -> Path:
        """Where a sweep keeps its ledger, studies and report; StoreError where a link there leads
        elsewhere.
        """
        return own_folder(inside(self.path, f"sweeps/{one_part(name)}-v{version}"))

    def refresh(self, sweep: Path) -> Path:
        """Brings the copy of a sweep's folder on this machine up to date, where the store is not a
        folder itself; returns the folder.
        """
        if self._objects is not None:
            sweep_copies.refresh(self._objects, sweep)
        return sweep

    @contextmanager
    def driven(self, sweep: Path) -> Iterator[Sender | None]:
        """The folder of the sweep that this process runs, for the block: its copy is as the store
        has it, and what is written is sent. None where the store is a folder.
        """
        if self._objects is None:
            yield None
            return
        with sweep_copies.driven(self._objects, sweep) as sender:
            yield sender

    def send(self, sweep: Path, folder: str) -> None:
        """Sends a folder in a sweep's folder, such as its report, to where the store lies."""
        if self._objects is not None:
            sweep_copies.send_folder(self._objects, sweep, folder)

    def sweeps(self) -> Iterator[Path]:
        """Folders of all sweeps."""
        folder = self.path / "sweeps"
        if self._objects is not None:
            for name in sweep_copies.names(self._objects):
                yield self.refresh(own_folder(inside(self.path, f"sweeps/{one_part(name)}")))
            return
        yield from sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else ()

    @property
    def data(self) -> Path:
        """Folder of the tokenised data."""
        return self.path / "data"

    def lease(self, name: str, seconds: float = LEASE_SECONDS) -> Lease:
        """A lease on `name`, not yet taken."""
        return Lease(self._files, name, seconds)


def _noted(content: bytes) -> str:
    """What a note of damage says."""
    try:
        return str(json.loads(content)["wrong"])
    except (ValueError, KeyError, TypeError):
        return "it was found damaged"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()

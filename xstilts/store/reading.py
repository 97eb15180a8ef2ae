"""A store that is only read: each record once, and whatever can't be read is noted.

A verb that shows results asks for the same record in many places, and goes on where one can't be
read. Here it is read and parsed at the first of them; later ones get the same record or the same
error. `damages` has what any of them met, so that no place can pass over it in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import StoreError
from xstilts.store.ledger import Ledger, require
from xstilts.store.phases import Phase, Store
from xstilts.store.results import Record

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A part of a phase, or a file of a sweep, that could not be read."""

    phase: str = ""
    """Empty for a file of a sweep."""
    part: str
    """`record`, `predictions`, `checkpoint`, `files` for several; or the name of a sweep's file."""
    message: str
    """Where, and what is wrong with it."""
    language: str = ""
    """Of predictions."""


class ReadStore(Store):
    """A store as one verb reads it. Not thread-safe."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._phases: dict[str, ReadPhase] = {}
        self._damages: dict[tuple[str, str, str], Damage] = {}

    @classmethod
    def of(cls, store: Store) -> ReadStore:
        """The store itself if it is one of these, else a new one of its place."""
        return store if isinstance(store, cls) else cls(store.address)

    @property
    def damages(self) -> list[Damage]:
        """All that could not be read so far, each part once, in the order in which it was met."""
        return list(self._damages.values())

    def phase(self, phase_id: str, sure: Callable[[], None] = lambda: None) -> ReadPhase:
        """One phase, the same object each time; nothing is kept in it, so `sure` is not asked."""
        if phase_id not in self._phases:
            self._phases[phase_id] = ReadPhase(self, phase_id)
        return self._phases[phase_id]

    def ledger(self, folder: Path) -> Ledger:
        """The ledger of the sweep in `folder`, whose damage is noted; StoreError where no run has
        written one.
        """
        found = require(folder)
        self.expect({entry.phase for entry in found.entries() if entry.phase})
        if found.problems:
            self.note(Damage(part="ledger.jsonl", message="; ".join(found.problems)))
        return found

    def note(self, damage: Damage) -> None:
        """Keeps a damage; the first of a part stays."""
        self._damages.setdefault((damage.phase, damage.part, damage.language), damage)


class ReadPhase(Phase):
    """A phase as one verb reads it. What is raised is what `Phase` raises, each time anew."""

    def __init__(self, store: ReadStore, phase_id: str) -> None:
        super().__init__(store._files, phase_id)
        self._store = store
        self._lost: StoreError | None = None

    @property
    def done(self) -> bool:
        """Whether it has a record; one that was read is not looked for again."""
        return self._record is not None or super().done

    def record(self) -> Record:
        """The record, or the error of the first attempt to read it."""
        if self._lost is not None:
            raise self._lost
        try:
            return super().record()
        except StoreError as error:
            self._lost = error
            self._note("record", str(error))
            raise

    def fault(self, *, whole: bool = False) -> str:
        """What is wrong with the phase, in a few words; empty where nothing is."""
        wrong = super().fault(whole=whole)
        if wrong and self._lost is None:
            folder, _, name = wrong.split(" ")[0].rpartition("/")
            part = folder if folder == "predictions" else "checkpoint" if folder else "files"
            language = name.removesuffix(".parquet") if part == "predictions" else ""
            self._note(part, wrong, language)
        return wrong

    def predictions(self, language: str, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """The predictions of a language; they are not kept. Damage is noted in the store too, so
        that the next run makes them again.
        """
        try:
            return super().predictions(language, columns)
        except StoreError as error:
            if self._lost is None:
                self._note("predictions", str(error), language)
                with suppress(StoreError):  # a store that is only read
                    self.note_damage(f"predictions/{language}.parquet is damaged")
            raise

    def checkpoint(self) -> Path:
        """A local folder with the checkpoint, to read."""
        try:
            return super().checkpoint()
        except StoreError as error:
            if self._lost is None:
                self._note("checkpoint", str(error))
            raise

    def _note(self, part: str, message: str, language: str = "") -> None:
        damage = Damage(phase=self.id, part=part, message=message, language=language)
        self._store.note(damage)

"""Is everything in a store as it was written? Reads every byte of every finished phase.

A damaged phase gets a note (`Phase.note_damage`), which the next run of a sweep that needs it sees:
it makes the phase again. A note about files that have been put right is taken back. Nothing else is
written, and nothing is moved or removed.

Phases without a record are not finished; nothing in them counts, so nothing in them is checked.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xstilts.errors import StoreError, first_line
from xstilts.store import sums
from xstilts.store.chained import Chained
from xstilts.store.doubts import read_doubts
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Phase, Store
from xstilts.store.sweeps import read_sweep

Tell = Callable[[int, int], None]
"""Takes how many phases are checked, of how many."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One thing that is not as it was written."""

    what: str
    """`phase <id>`, `sweep <name>-v<version>`."""
    wrong: str
    where: str
    sweeps: tuple[str, ...]
    """Folders' names of the sweeps in whose ledgers it is."""


@dataclass(kw_only=True)
class Verified:
    """What was found in a store."""

    store: str
    phases: int = 0
    """Phases with a record."""
    unfinished: int = 0
    """Phases without one."""
    files: int = 0
    bytes: int = 0
    """Of the files that were compared with their phase's record."""
    sweeps: int = 0
    set_aside: int = 0
    """Damaged phases that earlier runs have moved aside; they are kept until you remove them."""
    rubbish: int = 0
    rubbish_bytes: int = 0
    """Objects, and their bytes, that nobody needs any more: `Store.sweep_up` removes them."""
    damaged: list[Damage] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def verify(store: Store, tell: Tell = lambda done, of: None) -> Verified:
    """Checks a whole store. StoreError where it is not there, or can't be read at all."""
    if not store.remote and not store.path.is_dir():
        raise StoreError(f"{store.path}: there is no store; give the folder that `store:` names")
    sums.forget()
    found = Verified(store=store.address, set_aside=store.set_aside())
    needed = _needed_by(store)
    finished = sorted(store.done())
    found.unfinished = len(store.begun()) - len(finished)
    tell(0, len(finished))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for phase_id, one in zip(
            finished, pool.map(lambda one: _phase(store, one), finished), strict=True
        ):
            found.phases += 1
            found.files, found.bytes = found.files + one.files, found.bytes + one.bytes
            if one.wrong:
                found.damaged.append(
                    Damage(
                        what=f"phase {phase_id}",
                        wrong=one.wrong,
                        where=store.phase(phase_id).where,
                        sweeps=tuple(needed.get(phase_id, ())),
                    )
                )
            tell(found.phases, len(finished))
    left = store.rubbish()
    found.rubbish, found.rubbish_bytes = len(left.keys), left.bytes
    for folder in store.sweeps():
        found.sweeps += 1
        found.damaged += _sweep(folder)
    return found


@dataclass(frozen=True, kw_only=True)
class _Checked:
    files: int = 0
    bytes: int = 0
    wrong: str


def _phase(store: Store, phase_id: str) -> _Checked:
    """Reads all files of a finished phase, and keeps the note of its damage as it must be."""
    phase = store.phase(phase_id)
    wrong = phase.damage()
    with suppress(StoreError):  # a store that is only read
        phase.note_damage(wrong) if wrong else phase.forget_damage()
    wrong = wrong or _other_parent(store, phase)
    with suppress(StoreError):
        files = phase.record().files.values()
        return _Checked(files=len(files), bytes=sum(one.size for one in files), wrong=wrong)
    return _Checked(wrong=wrong)


def _other_parent(store: Store, phase: Phase) -> str:
    """Whether a phase started from another checkpoint than its parent has now."""
    record = phase.record()
    with suppress(StoreError):
        if record.parent:
            seal = store.phase(record.parent).record().checkpoint_seal
            if seal != record.started_from:
                return f"it started from another checkpoint than phase {record.parent} has now"
    return ""


def _needed_by(store: Store) -> Mapping[str, list[str]]:
    """Phase to the sweeps in whose ledgers it is."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in store.sweeps():
        with suppress(StoreError, OSError):
            for phase in {entry.phase for entry in Ledger(folder).entries() if entry.phase}:
                found[phase].append(folder.name)
    return found


def _sweep(folder: Path) -> Iterator[Damage]:
    """What is wrong with a sweep's own files."""
    for wrong in _faults_of_sweep(folder):
        yield Damage(
            what=f"sweep {folder.name}",
            wrong=wrong.removeprefix(f"{folder}/"),
            where=str(folder),
            sweeps=(folder.name,),
        )


def _faults_of_sweep(folder: Path) -> Iterator[str]:
    for read in (read_sweep, read_doubts):
        try:
            read(folder)
        except (StoreError, OSError) as error:
            yield first_line(error)
    try:
        yield from Ledger(folder).problems
        studies = folder / "studies.journal"
        yield from (f"{studies}: {fault}" for fault in Chained(studies).read().faults)
    except (StoreError, OSError) as error:
        yield first_line(error)

"""The ledger of a sweep: which slot of the plan became which phase, and how it ended.

The plan has *slots*: "trial 2 of the study of squad", "seed 3 of the pair squad -> udpos". What a
slot trains is known once the search has suggested its hyperparameters. The ledger has the
suggestion before the phase starts, so that a run after a crash uses it again instead of asking for
another. It is a file of chained JSON lines in the sweep's folder that is only appended to
(`chained`); the last line of a slot is its state. A line torn by a crash is ignored.

A line that is lost or damaged is noticed. Who only reads is told by `Ledger.problems`, and gets
what the other lines say. The driver calls `Ledger.mend`: the damaged file is put aside, a good one
is written from the good lines, and the run fills the slots again whose lines are lost.

The ledger does not say whether a phase is done: only the phase's record does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from xstilts.errors import StoreError
from xstilts.spec.frozen import Frozen
from xstilts.spec.stages import PhaseKind, StageKind
from xstilts.store.chained import Chained, Follower, Found

LEDGER = "ledger.jsonl"
_SHOWN = 3
"""So many slots are named in a message."""


class State(StrEnum):
    """How a slot stands."""

    WAITING = "waiting"
    """It has not begun, or will be run again."""
    RUNNING = "running"
    """Its phase is running."""
    DONE = "done"
    """Its phase was run for this slot and has its record."""
    CACHED = "cached"
    """Its phase had a record already, from another slot or an earlier run."""
    PRUNED = "pruned"
    """The search ended its phase early."""
    FAILED = "failed"
    """Its phase failed, and so did all retries."""
    BLOCKED = "blocked"
    """It can't run, because a slot that it needs failed, was pruned or is blocked."""

    @property
    def finished(self) -> bool:
        """Whether its phase has a record."""
        return self in (State.DONE, State.CACHED)

    @property
    def ended(self) -> bool:
        """Whether this run will do no more for it."""
        return self not in (State.WAITING, State.RUNNING)


class StagePhase(Frozen):
    """One training of a lineage, as it was run."""

    kind: StageKind
    task: str
    """Label of the task or mixture that it trained on."""
    phase: str
    """Phase id."""


class Entry(Frozen):
    """One slot of a sweep and its state."""

    slot: str
    kind: PhaseKind
    model: str
    intermediate: str = ""
    """Label of the intermediate, `none` for the baseline; empty for a pretraining."""
    target: str = ""
    """Task name of the target; empty for an intermediate."""
    task: str
    """Label of what is trained or evaluated."""
    study: str = ""
    trial: int | None = None
    role: Literal["trial", "final"] = "final"
    seed: int
    phase: str = ""
    """Phase id, once known."""
    lineage: tuple[StagePhase, ...] = ()
    """The trainings that lead to its checkpoint, its own last; for an evaluation, to the checkpoint
    that it scores. Empty until the phase is known, and for an evaluation of a base model.
    """
    params: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters that the search suggested; in a joint study those of the intermediate are
    `intermediate.<name>`.
    """
    state: State = State.WAITING
    pruned_at: float | None = None
    """Last development score in percent, if its phase was pruned: there is no record to hold it."""
    reported: tuple[tuple[int, float], ...] = ()
    """What the search was told while the phase ran: number of the evaluation, development score in
    percent. Optuna's study is made again from it.
    """
    error: str = ""
    attempts: int = 0
    time: str = ""
    """When this state began, ISO 8601 in UTC."""

    @property
    def parent(self) -> str:
        """Id of the phase it starts from, or scores; empty for a base model."""
        before = self.lineage if self.kind == "evaluate" else self.lineage[:-1]
        return before[-1].phase if before else ""

    @property
    def train_phase(self) -> str:
        """Evaluations: id of the phase whose checkpoint is scored; empty for a base model."""
        return self.parent if self.kind == "evaluate" else ""

    @property
    def intermediate_phases(self) -> tuple[str, ...]:
        """Ids of the pair's intermediate phases, in order; none for the baseline."""
        return tuple(
            s.phase for s in self.lineage if s.kind == "intermediate" and s.phase != self.phase
        )

    @property
    def intermediate_phase(self) -> str:
        """Id of the intermediate phase that the target is trained from; empty for the baseline."""
        return ("", *self.intermediate_phases)[-1]


class Ledger:
    """Reads and appends one sweep's ledger. One writer: the driver that holds the sweep's lease."""

    def __init__(self, folder: Path, follower: Follower | None = None) -> None:
        """Reads what is there. StoreError where it can't be read; damage is no error. `follower`
        keeps what is written elsewhere too.
        """
        self.path = folder / LEDGER
        self._file = Chained(self.path, follower=follower)
        self._entries: dict[str, Entry] = {}
        self._chosen: dict[str, str] = {}
        self._rows: list[dict[str, Any]] = []
        """The lines that can be used, where some can't."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with the file, a sentence each; empty for a good one, and for one whose
        last line was torn by a crash, since nobody was told that it was written.
        """
        self._read()

    def _read(self) -> None:
        found = self._file.read()
        unknown = 0
        for row in found.rows:
            try:
                self._take(row)
            except (ValidationError, KeyError, TypeError):
                unknown += 1
            else:
                self._rows.append(row)
        faults = [*found.faults]
        if unknown:
            faults.append(f"lines of another version of xstilts: {unknown:,}")
        if found.bad and not found.rows and all(map(_of_old, found.bad)):
            faults = ["it is of a version of xstilts whose ledgers had no checksums"]
        if faults:
            self.problems = (f"{self.path}: {'; '.join(faults)}{_slots_in(found, self._entries)}",)
        else:
            self._rows = []

    def _take(self, row: Mapping[str, Any]) -> None:
        if "chosen" in row:
            self._chosen[row["chosen"]] = row["slot"]
        else:
            entry = Entry.model_validate(row)
            self._entries[entry.slot] = entry

    def mend(self) -> tuple[str, ...]:
        """For the driver: where something is wrong, puts the file aside, whole, and writes a good
        one from the lines that can be used. Returns what a run tells of it.
        """
        if not self.problems:
            return ()
        where = self._file.mend(self._rows)
        told = tuple(
            f"{problem}; {where}. This run finds again what has a record, takes lost suggestions "
            "from studies.journal, and asks the search anew for those that are not there either"
            for problem in self.problems
        )
        self.problems, self._rows = (), []
        return told

    def entries(self) -> list[Entry]:
        """The latest entry of every slot, in the order of their first appearance."""
        return list(self._entries.values())

    def get(self, slot: str) -> Entry | None:
        """One slot's latest entry."""
        return self._entries.get(slot)

    def chosen(self) -> dict[str, str]:
        """Study to the slot whose configuration was chosen."""
        return dict(self._chosen)

    def write(self, entry: Entry, **changes: Any) -> Entry:
        """Appends an entry, with `changes`, and returns it."""
        entry = entry.model_copy(
            update={**changes, "time": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        row = entry.model_dump(mode="json", exclude_defaults=True)
        self._append(row, wait=not entry.state.finished)
        self._entries[entry.slot] = entry
        return entry

    def choose(self, study: str, slot: str) -> None:
        """Appends which slot's configuration a study chose; the last line counts."""
        if self._chosen.get(study) != slot:
            self._append({"chosen": study, "slot": slot})
            self._chosen[study] = slot

    def durable(self) -> None:
        """Waits until all that was written is kept, where the store lies too; raises what became of
        it otherwise.
        """
        self._file.durable()

    def _append(self, row: Mapping[str, Any], *, wait: bool = True) -> None:
        """Appends a line. One that a record says too need not be waited for."""
        self.mend()  # nothing is ever appended to a damaged file
        self._file.append(row, wait=wait)


def require(folder: Path) -> Ledger:
    """The ledger in `folder`; StoreError where no run has written one."""
    ledger = Ledger(folder)
    if not ledger.path.exists() and not ledger.problems:
        raise StoreError(f"{folder}: nothing has been run yet; start it with `xstilts run`")
    return ledger


def _of_old(line: bytes) -> bool:
    """Whether a line is an entry or a choice without a checksum."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "slot" in row and "sum" not in row


def _slots_in(found: Found, known: Iterable[str]) -> str:
    """The slots that damaged lines are about, as far as they can be told: those that another line
    names too.
    """
    names = {
        name.decode(errors="replace")
        for line in found.bad
        for name in re.findall(rb'"slot":"([^"\\]{1,300})"', line)
    }
    slots = sorted(names & {*known})
    more = f" and {len(slots) - _SHOWN} more" if len(slots) > _SHOWN else ""
    return f" (some are about {', '.join(slots[:_SHOWN])}{more})" if slots else ""

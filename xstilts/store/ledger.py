"""The ledger of a sweep: which slot of the plan became which phase, and how it ended.

The plan has *slots*: "trial 2 of the study of squad", "seed 3 of the pair squad -> udpos". What a
slot trains is known once the search has suggested its hyperparameters. The ledger has the
suggestion before the phase starts, so that a run after a crash uses it again instead of asking for
another. It is a file of JSON lines in the sweep's folder that is only appended to; the last line of
a slot is its state. A line torn by a crash is ignored.

The ledger does not say whether a phase is done: only the phase's record does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from xstilts.errors import StoreError
from xstilts.spec.frozen import Frozen
from xstilts.spec.stages import PhaseKind, StageKind
from xstilts.store.local_files import store_error


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


def _entry(row: Mapping[str, Any], lineages: Mapping[str, tuple[StagePhase, ...]]) -> Entry:
    """The entry in a line; fields that only other versions know are dropped.

    Lines from before lineages name the phase's `parent` alone: `lineages`, by phase, have those of
    the lines above, where the parent stands.
    """
    entry = Entry.model_validate({k: v for k, v in row.items() if k in Entry.model_fields})
    if not entry.phase or entry.lineage:
        return entry
    lineage = lineages.get(row.get("parent", ""), ())
    if entry.kind != "evaluate":
        own = StagePhase(kind=entry.kind, task=entry.task, phase=entry.phase)
        lineage = (*lineage, own)
    return entry.model_copy(update={"lineage": lineage})


class Ledger:
    """Reads and appends one sweep's ledger. One writer: the driver that holds the sweep's lease."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.jsonl"
        self._entries: dict[str, Entry] = {}
        self._chosen: dict[str, str] = {}
        self._read()

    def _read(self) -> None:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        lineages: dict[str, tuple[StagePhase, ...]] = {}
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if not isinstance(row, dict):
                continue
            if "chosen" in row:
                self._chosen[row["chosen"]] = row["slot"]
            else:
                entry = _entry(row, lineages)
                lineages[entry.phase] = entry.lineage
                self._entries[entry.slot] = entry

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
        self._append(entry.model_dump(mode="json", exclude_defaults=True))
        self._entries[entry.slot] = entry
        return entry

    def choose(self, study: str, slot: str) -> None:
        """Appends which slot's configuration a study chose; the last line counts."""
        if self._chosen.get(study) != slot:
            self._append({"chosen": study, "slot": slot})
            self._chosen[study] = slot

    def _append(self, row: Mapping[str, Any]) -> None:
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab") as file:
                if file.tell() and not self._ends_with_newline():
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise store_error(error, self.path) from error

    def _ends_with_newline(self) -> bool:
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def require(folder: Path) -> Ledger:
    """The ledger in `folder`; StoreError where no run has written one."""
    if not (folder / "ledger.jsonl").exists():
        raise StoreError(f"{folder}: nothing has been run yet; start it with `xstilts run`")
    return Ledger(folder)

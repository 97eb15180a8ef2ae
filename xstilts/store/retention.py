"""Which phases of a store a sweep knows, and whose checkpoints it holds; and dropping one.

A store is shared, so a checkpoint goes only where every sweep that has the phase in its ledger lets
it go: each by its own `retention:`, read from the sweep that it keeps beside its ledger. A sweep
that says nothing keeps all that it has. What can't be read keeps everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import LeaseHeld, StoreError
from xstilts.planning import make_plan
from xstilts.planning.retention import Checkpoints
from xstilts.spec.sweep import Retention
from xstilts.store.dropped import Dropped
from xstilts.store.ledger import Entry, Ledger, State
from xstilts.store.phases import Store
from xstilts.store.results import CHECKPOINT
from xstilts.store.sums import below
from xstilts.store.sweeps import read_sweep


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What one sweep says about the phases in its ledger."""

    sweep: str
    """`<name>-v<version>`."""
    rule: str
    """`weights` of its retention."""
    known: frozenset[str]
    """Every phase."""
    held: frozenset[str]
    """Those whose checkpoints must stay."""
    finished: frozenset[str]
    """Trainings that are done."""
    ended_badly: frozenset[str]
    """Phases that failed or were pruned for every slot that asked for them."""

    @property
    def free(self) -> frozenset[str]:
        """Trainings that are done and whose checkpoints this sweep lets go."""
        return self.finished - self.held


def claims(
    sweep: str, checkpoints: Checkpoints, entries: Iterable[Entry], chosen: Mapping[str, str]
) -> Claims:
    """A sweep's claims, from its plan and its ledger."""
    entries = [entry for entry in entries if entry.phase]
    closed = {one.slot for one in entries if one.state.finished or one.state is State.PRUNED}
    slots = checkpoints.held(closed, chosen)
    trained = {*checkpoints.trained()}
    known = frozenset(one.phase for one in entries)
    bad = {one.phase for one in entries if one.state in (State.FAILED, State.PRUNED)}
    good = {one.phase for one in entries if one.state not in (State.FAILED, State.PRUNED)}
    return Claims(
        sweep=sweep,
        rule=checkpoints.rule,
        known=known,
        # A slot that is not in the plan any more is nobody's to judge.
        held=frozenset(
            one.phase
            for one in entries
            if one.slot in slots or (one.slot not in trained and one.kind != "evaluate")
        ),
        finished=frozenset(
            one.phase for one in entries if one.state.finished and one.slot in trained
        ),
        ended_badly=frozenset(bad - good),
    )


def claims_of(folder: Path, retention: Retention | None = None) -> Claims:
    """The claims of the sweep kept in `folder`; `retention` instead of its own. StoreError where
    its plan or its ledger can't be read whole: nobody knows then what it needs.
    """
    sweep, ledger = read_sweep(folder), Ledger(folder)
    if ledger.problems:
        raise StoreError(f"{ledger.problems[0]}; `xstilts run` mends it")
    checkpoints = Checkpoints(make_plan(sweep), retention)
    return claims(folder.name, checkpoints, ledger.entries(), ledger.chosen())


class Others:
    """The claims of a store's other sweeps, read again where a ledger has changed."""

    def __init__(self, store: Store, own: Path) -> None:
        self._store, self._own = store, own
        self._read: dict[Path, tuple[object, Claims]] = {}

    def held(self) -> set[str]:
        """The phases whose checkpoints another sweep holds. StoreError where one can't be read."""
        held: set[str] = set()
        for folder in self._store.sweeps():
            if folder != self._own:
                held |= self._of(folder).held
        return held

    def _of(self, folder: Path) -> Claims:
        stamp = tuple(_stamp(folder / name) for name in ("sweep.json", "ledger.jsonl"))
        if folder not in self._read or self._read[folder][0] != stamp:
            self._read[folder] = stamp, claims_of(folder)
        return self._read[folder][1]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def checkpoint_size(store: Store, phase_id: str) -> int:
    """Bytes of a finished phase's checkpoint by its record; 0 where it has none, or it was dropped
    or can't be judged.
    """
    phase = store.phase(phase_id)
    try:
        if not phase.complete or phase.fault():
            return 0
        return sum(one.size for one in below(CHECKPOINT, phase.record().files).values())
    except StoreError:
        return 0


def drop(
    store: Store, phase_id: str, by: str, why: str, sure: Callable[[], None] = lambda: None
) -> int:
    """Drops a phase's checkpoint and returns its bytes; 0 where there is none to drop, or another
    process works on the phase.
    """
    try:
        with store.lease(phase_id).kept():
            size = checkpoint_size(store, phase_id)
            if size:
                store.phase(phase_id, sure).drop_checkpoint(Dropped.now(by, why, size))
            return size
    except LeaseHeld:
        return 0

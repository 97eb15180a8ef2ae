"""Drops checkpoints during a run, as the sweep's `retention:` says.

Whenever phases have ended, at most once in `SECONDS`, and once at the end: what the sweep lets go
(`planning.retention`) and no other sweep of the store holds (`store.retention`) is dropped. A
failure to drop costs disk space and nothing else, so it is told and the run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from xstilts.errors import LeaseLost, StoreError
from xstilts.planning.plan import Plan
from xstilts.planning.retention import Checkpoints
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.retention import Others, claims, drop

SECONDS = 10.0
"""Time between two looks."""
_WHY = {
    "chosen": "no open phase starts from it, and no final score rests on it",
    "none": "no open phase starts from it",
}


class Keeper:
    """Looks after one run's checkpoints. Belongs to the thread that changes the board."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        store: Store,
        folder: Path,
        sure: Callable[[], None],
        spared: Collection[str] = (),
    ) -> None:
        """`sure` raises LeaseLost where another driver has taken the sweep over. The phases that
        are `spared` keep their checkpoints in this run.
        """
        self._checkpoints, self._ledger, self._store = Checkpoints(plan), ledger, store
        self._name, self._sure, self._spared = folder.name, sure, frozenset(spared)
        self._others = Others(store, folder)
        self._done: set[str] = set()
        """Phases that were looked at."""
        self._looked = 0.0
        self.dropped, self.bytes = 0, 0
        self.problems: list[str] = []
        """Why something could not be dropped, a sentence each."""

    def look(self, *, force: bool = False) -> None:
        """Drops what may go now."""
        now = time.monotonic()
        if self._checkpoints.rule == "all" or (now - self._looked < SECONDS and not force):
            return
        self._looked = now
        try:
            self._look()
        except LeaseLost:
            raise
        except StoreError as error:
            told = f"no checkpoint is dropped: {error}"
            if told not in self.problems:
                self.problems.append(told)

    def _look(self) -> None:
        own = claims(self._name, self._checkpoints, self._ledger.entries(), self._ledger.chosen())
        self._done &= own.free  # one that is needed again is looked at again afterwards
        free = own.free - self._done - self._spared
        for phase in sorted(free - self._others.held()) if free else ():
            self._sure()
            why = _WHY[self._checkpoints.rule]
            size = drop(self._store, phase, f"sweep {self._name}", why, self._sure)
            self._done.add(phase)
            self.dropped, self.bytes = self.dropped + bool(size), self.bytes + size

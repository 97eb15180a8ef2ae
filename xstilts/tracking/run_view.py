"""One run as MLflow is to show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from xstilts.spec.digests import digest
from xstilts.store.ledger import State
from xstilts.tracking.numbers import DataView

SWEEP_KEY = "sweep"
STATUS = {
    State.RUNNING: "RUNNING",
    State.DONE: "FINISHED",
    State.CACHED: "FINISHED",
    State.PRUNED: "KILLED",
    State.FAILED: "FAILED",
}
"""Ledger state to MLflow's run status. Waiting and blocked slots have run nothing, so they have no
run.
"""
VIEW_VERSION = 3
"""Increased when the numbers sent for a record change, so that earlier runs are sent again."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run, without the numbers of its record (`View.points`), which never change."""

    key: str
    """Phase id; `SWEEP_KEY`, or a pair's (`pair_runs`); the slot's key, where it failed before its
    phase was known.
    """
    name: str
    status: str
    started: int
    """Milliseconds since 1970."""
    ended: int | None
    tags: dict[str, str]
    params: dict[str, str]
    latest: dict[str, float] = field(default_factory=dict)
    """Numbers that may change later."""
    data: tuple[DataView, ...] = ()
    done: bool = False
    """Whether it has a record."""
    checkpoint: str = ""
    """Folder of the model that it trained; empty for none."""
    step: int = 0
    """Step of the checkpoint."""
    parent: str = SWEEP_KEY
    """Key of the run that it is nested under."""
    origin: str = ""
    """Phase whose checkpoint it starts from, or scores."""

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever anything that MLflow shows changes."""
        return digest({**vars(self), "data": [vars(d) for d in self.data], "version": VIEW_VERSION})

"""How a run ended. It needs no Ray: a sweep that is finished is known as such without an engine."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from xstilts.driver.board import Board
from xstilts.store.ledger import Entry


@dataclass
class Outcome:
    """How a run ended."""

    counts: dict[str, int]
    failures: list[Entry]
    seconds: float
    started: int
    """Phases that were started in this run."""
    stopped: str = ""
    """Why it stopped before the plan was done: `interrupted`, `budget`, or empty."""

    signal: int = signal.SIGINT
    """Which signal interrupted it."""
    told: list[str] = field(default_factory=list)
    """What a run says at its end of processes that were lost, a sentence each."""
    budget: str = ""
    """Which limit of the budget stopped it, with what was used."""

    @property
    def exit_code(self) -> int:
        """0: all done; 1: something failed; 128 and the signal, 130 for Ctrl-C: interrupted."""
        if self.stopped == "interrupted":
            return 128 + self.signal
        return 1 if self.failures else 0


def outcome(
    board: Board,
    *,
    seconds: float = 0.0,
    started: int = 0,
    stopped: str = "",
    signal: int = signal.SIGINT,
    told: Sequence[str] = (),
    budget: str = "",
) -> Outcome:
    """The outcome of a run that leaves `board` as it is; `stopped` says why it ended early, if
    known. Phases that still run are given back.
    """
    board.settle()
    if board.settled:
        stopped = ""
    elif not stopped:
        stopped = "interrupted"
    for slot in board.running:
        board.released(slot)
    return Outcome(
        counts=board.snapshot()["counts"],
        failures=list(board.failures()),
        seconds=seconds,
        started=started,
        stopped=stopped,
        signal=signal,
        told=list(told),
        budget=budget if stopped == "budget" else "",
    )

"""Whole runs without Ray: the board's phases, one after the other, in the driver's process.

All but the engine is as in every run: leases, books, records, the store. `python no_engine.py SWEEP
STORE PHASES` runs a sweep and kills itself in the middle of the training after so many phases.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from xstilts.api import runs
from xstilts.driver import ending
from xstilts.training.phase import Context, Report, run_phase


def run_here(killed_after: int | None = None) -> Callable[..., Any]:
    """What takes the place of `runs._run`; with a number, the process ends by SIGKILL in the phase
    after so many.
    """
    count = 0

    def report_of(board: Any, lease: Any, slot: str, *, last: bool) -> Callable[[Report], bool]:
        def report(one: Report) -> bool:
            lease.check()
            if last and one.step >= 6:
                os.kill(os.getpid(), signal.SIGKILL)
            return one.value is None or bool(board.report(slot, one.step, one.steps, one.value))

        return report

    def run(board: Any, opened: Any, lease: Any, watch: Any, changed: Any) -> Any:
        nonlocal count
        count = 0
        context = Context(**{**runs._for_workers(opened), "partial_every_seconds": 0})
        while (assignment := board.next()) is not None:
            report = report_of(board, lease, assignment.slot, last=count == killed_after)
            worker = opened.store.lease(f"worker-{assignment.spec.id}")
            with worker.kept(waits=True):
                run_phase(assignment.spec, context, report, sure=worker.check)
            board.done(assignment.slot)
            count += 1
        assert board.settled
        return ending.outcome(board, started=count)

    return run


if __name__ == "__main__":
    import xstilts

    runs._run = run_here(int(sys.argv[3]))
    xstilts.run(sys.argv[1], store=sys.argv[2])

"""Notices that a phase makes no progress any more, and says where it hangs.

A thread beside the phase looks at how long ago the last step was. Where the phase has said that it
is `doing` something else, there is nothing to count: before the first step rows are read,
translated or tokenised, and in an evaluation a language is predicted, which may rightly take hours.
There a process that computes counts as one that goes on, and only one that waits can hang.

Where the phase is past its deadline, the stacks of all threads are told, that of the phase first.
Code that never gives Python's lock back stops this thread too. For that case `faulthandler` has a
thread that needs no lock and writes the stacks into a file; who watches this process from outside
reads it there (`stacks_file`).
"""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xstilts.workers.context import Report

LOOKS = 20
"""How often the thread looks within the deadline."""
LATEST_LOOK_SECONDS = 10.0
BUSY = 0.02
"""A process that uses this share of one core computes something."""
LOCKED = 1.1
"""Deadlines after which a process whose Python stands still writes its stacks."""


class Watchdog:
    """Watches one phase in this process. `tell` gets the sentence and the stacks, once, from a
    thread of the watchdog's own.
    """

    def __init__(
        self,
        seconds: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        computed: Callable[[], float] = time.process_time,
    ) -> None:
        """`seconds`: the deadline. `clock` says the time, `computed` the processor time of this
        process, both in seconds.
        """
        self.seconds, self._tell, self._clock, self._computed = seconds, tell, clock, computed
        self._at: tuple[int, str] = (0, "")
        self._since, self._used = clock(), computed()
        self._looked = self._since
        self._phase = threading.get_ident()
        self.told = False

    def progress(self, report: Report) -> None:
        """Takes a report of the phase: a new step, or something else that is done, is progress."""
        at = report.step, report.doing
        if at != self._at:
            self._at = at
            self._go_on()

    def _go_on(self) -> None:
        self._since, self._used = self._clock(), self._computed()

    def look(self) -> None:
        """Looks once; tells where the deadline has passed."""
        now, used = self._clock(), self._computed()
        stopped = now - self._looked > self.seconds / 2  # all of this process was, by a signal
        self._looked = now
        if stopped or (
            (self._at[0] == 0 or self._at[1])
            and used - self._used > BUSY * max(1.0, now - self._since)
        ):
            self._go_on()
        elif now - self._since > self.seconds and not self.told:
            self.told = True
            self._tell(f"{self._sentence(now - self._since)}\n\n{stacks(self._phase)}")

    def _sentence(self, silent: float) -> str:
        step, doing = self._at
        where = f"while {doing}" if doing else f"at step {step}"
        return f"no progress for {silent / 60:.1f} min {where}"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks from a thread until the end of the block."""
        if not self.seconds:
            yield
            return
        over = threading.Event()

        def loop() -> None:
            pause = min(LATEST_LOOK_SECONDS, self.seconds / LOOKS)
            with open(stacks_file(os.getpid()), "w") as file:
                while not over.wait(pause):
                    faulthandler.dump_traceback_later(LOCKED * self.seconds + pause, file=file)
                    self.look()
                faulthandler.cancel_dump_traceback_later()

        thread = threading.Thread(target=loop, daemon=True, name="xstilts-watchdog")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            stacks_file(os.getpid()).unlink(missing_ok=True)


def stacks(first: int) -> str:
    """The stacks of all threads of this process, that of thread `first` before the others; without
    the caller's, if it is another one.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    if threading.get_ident() != first:
        frames.pop(threading.get_ident(), None)
    ordered = sorted(frames, key=lambda ident: (ident != first, ident))
    return "\n".join(
        f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frames[ident]))}"
        for ident in ordered
    )


def stacks_file(pid: int) -> Path:
    """Where a process of this machine whose Python stands still leaves its stacks."""
    return Path(tempfile.gettempdir()) / f"xstilts-stacks-{pid}.txt"

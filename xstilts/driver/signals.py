"""SIGTERM and SIGHUP end what runs as Ctrl-C does.

A batch system sends SIGTERM before it kills, a terminal that is closed sends SIGHUP. Inside the
block both are raised as `Terminated`, a KeyboardInterrupt, in the main thread, so that one way of
ending serves all three. A signal that the process was told to ignore (`nohup`), or that the program
around xstilts handles itself, stays as it is.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

HANDLED = (signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """A signal that asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def number_of(asked: BaseException) -> int:
    """The signal behind a KeyboardInterrupt."""
    return asked.number if isinstance(asked, Terminated) else int(signal.SIGINT)


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Raises `Terminated` at these signals inside the block; does nothing outside the main
    thread, where Python allows no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [one for one in HANDLED if signal.getsignal(one) is signal.SIG_DFL]
    for one in ours:
        signal.signal(one, _end)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        _leave_a_closed_terminal()
    raise Terminated(number)


def _leave_a_closed_terminal() -> None:
    """Sends what is still printed nowhere: writing to a terminal that is gone is an error."""
    for descriptor in (1, 2):
        with suppress(OSError):
            is_device = stat.S_ISCHR(os.fstat(descriptor).st_mode)
            if is_device and not os.isatty(descriptor):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)

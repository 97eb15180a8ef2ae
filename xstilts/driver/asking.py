"""Threads that ask Ray something again and again, and that end before Ray is left.

A thread that is in a call of Ray while this process disconnects from the cluster crashes it: Ray
takes its core worker away beneath the call. So whoever disconnects waits for these threads
(`wait`). Where the cluster does not answer, a call may last a minute, and is not waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_threads: list[threading.Thread] = []
"""Those that may still run."""


@contextmanager
def asking(ask: Callable[[], None], every_seconds: float, name: str) -> Iterator[None]:
    """Calls `ask` every so many seconds within the block, from a thread. What it raises is dropped:
    Ray is away for a moment, or for good, which others see.
    """
    over = threading.Event()

    def loop() -> None:
        while not over.wait(every_seconds):
            with suppress(Exception):
                ask()

    thread = threading.Thread(target=loop, daemon=True, name=f"xstilts-{name}")
    _threads.append(thread)
    thread.start()
    try:
        yield
    finally:
        over.set()


def wait(seconds: float) -> bool:
    """Waits until the threads of all blocks that have ended are back from Ray; returns whether they
    are. A block that goes on makes it wait in vain.
    """
    until = time.monotonic() + seconds
    for thread in _threads:
        thread.join(max(0.0, until - time.monotonic()))
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    return not _threads

"""Threads that call Ray, and that end before Ray is left.

A thread that is in a call of Ray while this process disconnects from the cluster, or while Python
ends, can crash it: Ray takes its core worker away beneath the call. So whoever disconnects waits
for these threads (`wait`), and a command whose threads don't come back ends without Python's own
clean-up (`end_process`): where the cluster does not answer, a call may last a minute.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_threads: list[threading.Thread] = []
"""Those that may still run."""


def start(work: Callable[..., None], *given: Any, name: str) -> threading.Thread:
    """A thread that has begun with `work`, which calls Ray."""
    thread = threading.Thread(target=work, args=given, daemon=True, name=f"xstilts-{name}")
    _threads.append(thread)
    thread.start()
    return thread


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

    start(loop, name=name)
    try:
        yield
    finally:
        over.set()


def wait(seconds: float) -> bool:
    """Waits until all of them have ended but the caller's own, and returns whether they have. One
    of a block that goes on is waited for in vain.
    """
    until = time.monotonic() + seconds
    for thread in _threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    return all(thread is threading.current_thread() for thread in _threads)


def end_process(code: int) -> None:
    """Ends this process with `code` where a thread has not come back from Ray; else returns."""
    if wait(0):
        return
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)

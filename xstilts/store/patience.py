"""Waiting for an object store that gives no answer.

A question that gets none is asked again, after 0.1 s, then twice as long each time up to 10 s, each
less a random part, so that many workers do not ask at once. It is given up when the store has been
silent for the stated time, XSTILTS_STORE_WAIT_SECONDS (300). Threads share what they know of one
store: once it was given up for silent, each further question is asked once, until an answer comes.

A process that has never had an answer waits 30 s at most: it may have the wrong address. A worker
is given a store that has answered its driver, so it waits as long as any.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from xstilts.errors import StoreAway, StoreError

T = TypeVar("T")

WAIT_VARIABLE = "XSTILTS_STORE_WAIT_SECONDS"
"""Environment variable: seconds for which a silent object store is waited for."""
WAIT_SECONDS = 300.0
FIRST_SECONDS = 30.0
"""Seconds for which a store is waited for that never answered."""
TELL_SECONDS = 5.0
"""A silence of this length is told."""
SHORTEST, LONGEST = 0.1, 10.0
"""Seconds between two questions."""


class NoAnswer(Exception):
    """A question that got no answer, or one that says: ask again."""


def wait_seconds() -> float:
    """Seconds for which a silent store is waited for. StoreError where the variable is no number.

    A whole process has one such time: it is a setting of the machine and no part of a sweep.
    """
    given = os.environ.get(WAIT_VARIABLE, "")
    try:
        seconds = float(given) if given else WAIT_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise StoreError(f"{WAIT_VARIABLE}={given}: must be a number of seconds, 0 or more")
    return seconds


class Patience:
    """What a process knows of one store's silence. Thread-safe."""

    def __init__(
        self,
        where: str,
        *,
        ticks: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`where`: the store's address, for messages. `ticks` says seconds, `sleep` waits."""
        self.where = where
        self.tell: Callable[[str], None] = lambda message: None
        """Gets a sentence when a silence has lasted for some seconds, and one when it is over."""
        self.answered = False
        """Whether the store has answered in this process, or is known to have answered another."""
        self._ticks, self._sleep = ticks, sleep
        self._lock = threading.Lock()
        self._silent_since: float | None = None
        self._told = self._given_up = False

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question, which raises NoAnswer where there is none. StoreAway where the
        store stays silent.
        """
        began, pause = self._ticks(), SHORTEST
        while True:
            try:
                answer = question()
            except NoAnswer as silence:
                self._unanswered(began, str(silence))
            except BaseException:
                self._heard()
                raise
            else:
                self._heard()
                return answer
            self._sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST)

    def _heard(self) -> None:
        with self._lock:
            told = self._told
            self.answered, self._silent_since, self._told, self._given_up = True, None, False, False
        if told:
            self.tell(f"{self.where} answers again")

    def _unanswered(self, began: float, why: str) -> None:
        """Raises StoreAway where it was waited for long enough."""
        limit = wait_seconds() if self.answered else min(FIRST_SECONDS, wait_seconds())
        with self._lock:
            now = self._ticks()
            if self._silent_since is None:
                self._silent_since = now
            silent = now - min(began, self._silent_since)
            self._given_up = self._given_up or silent >= limit
            given_up = self._given_up
            tells = silent > TELL_SECONDS and not self._told and not given_up
            self._told = self._told or tells
        if given_up:
            raise StoreAway(
                f"the store {self.where} did not answer for {_span(silent)} ({why}); what is done "
                "is kept, and the same command carries on from here"
            )
        if tells:
            self.tell(
                f"{self.where} does not answer ({why}); it is waited for, {_span(limit)} in all"
            )


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

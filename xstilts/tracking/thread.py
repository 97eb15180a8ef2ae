"""The mirror in the background: the run never waits for MLflow and never fails because of it.

One thread holds the sweep's `Tracker`, so there is one writer. It gets the ledger whenever that
changes and sends only the newest. While the tracking server is unreachable it warns once and tries
again after 1, 2, 4, ... 60 s. At the end it says what is missing, with the command that sends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xstilts.errors import TrackingError
from xstilts.store.ledger import Entry

if TYPE_CHECKING:
    from xstilts.tracking.tracker import Tracker


class TrackerThread:
    """Syncs the ledger that was submitted last. `warn` is called from the thread; nothing is ever
    raised.
    """

    def __init__(
        self,
        tracker: Tracker,
        command: str,
        warn: Callable[[str], None],
        *,
        first_wait_seconds: float = 1.0,
        longest_wait_seconds: float = 60.0,
    ) -> None:
        self.tracker, self.command, self.warn = tracker, command, warn
        self._first, self._longest = first_wait_seconds, longest_wait_seconds
        self._entries: tuple[Entry, ...] | None = None
        self._last: tuple[Entry, ...] = ()
        self._warned: set[str] = set()
        self._closing = False
        self._away = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="xstilts-tracking", daemon=True)
        self._thread.start()

    def submit(self, entries: Sequence[Entry]) -> None:
        """The ledger as it is now."""
        with self._changed:
            self._entries = self._last = tuple(entries)
            self._changed.notify()

    def close(self, timeout: float = 30.0) -> str | None:
        """Sends the rest, for at most `timeout` seconds. Returns what MLflow lacks and how to send
        it, or None.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        busy = self._thread.is_alive()
        problems = dict(self.tracker.problems)
        if not busy and self._entries is None and not problems:
            return None
        reason = self._away or "; ".join(problems.values()) or f"not finished within {timeout:g} s"
        count = "some" if busy else self._missing()
        return (
            f"MLflow lacks {count} of the sweep's runs ({reason}); `{self.command}` sends them, "
            "from the records"
        )

    def _missing(self) -> str:
        """How many runs MLflow lacks; `some` if the view fails and they can't be counted."""
        try:
            return str(self.tracker.missing(self._last))
        except Exception:  # the reason is in `_away` already
            return "some"

    def _work(self) -> None:
        wait = self._first
        while True:
            with self._changed:
                while self._entries is None and not self._closing:
                    self._changed.wait()
                if self._entries is None:
                    return
                entries, self._entries = self._entries, None
            if self._sync(entries):
                wait = self._first
                continue
            with self._changed:
                self._entries = self._entries or entries
                if self._closing:
                    return
                self._changed.wait_for(lambda: self._closing, timeout=wait)
            wait = min(self._longest, wait * 2)

    def _sync(self, entries: tuple[Entry, ...]) -> bool:
        """Whether MLflow could be reached."""
        try:
            self.tracker.sync(entries)
        except Exception as error:  # the run goes on, whatever happens to its mirror
            reason = (
                str(error)
                if isinstance(error, TrackingError)
                else f"{type(error).__name__}: {error}"
            )
            if not self._away:
                self.warn(
                    "MLflow can't be reached and is tried again in the background; the run goes on "
                    f"({reason})"
                )
            self._away = reason
            return False
        if self._away:
            self.warn("MLflow is back and up to date")
        self._away = ""
        for phase, problem in self.tracker.problems.items():
            if phase not in self._warned:
                self._warned.add(phase)
                self.warn(f"MLflow: phase {phase} is not mirrored: {problem}")
        return True

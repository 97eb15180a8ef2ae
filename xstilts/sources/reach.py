"""Whether the hub can be reached, known within three seconds.

huggingface_hub by itself waits for long: it tries six times, and lists files without a time limit.
So before its first question a process knocks once, and remembers what came of it. The hub is there
when it has answered anything, or when TLS stands, whatever the time that its answers take: only
connecting counts. A plain `http://` endpoint has no TLS, and a socket that accepts may still be a
hole, so there the first answer must come.

Everything between here and there is that of huggingface_hub's own client: its proxies, its
certificates, HF_ENDPOINT. Where HF_HUB_ETAG_TIMEOUT is set, the user says how many seconds to wait.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from xstilts.errors import first_line

PATIENCE_SECONDS = 2.5
"""How long a connection may take, name, TCP and TLS together."""
FORGOTTEN_SECONDS = 600.0
"""A hub that could not be reached is tried again after this time: workers live for days."""

_NOBODY_BEHIND = (502, 504)
"""What a proxy or gateway answers that does not reach the hub itself."""


@dataclass
class Reach:
    """What a process knows of the hub. Threads that ask at the same time wait for one answer."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reached: bool = False
    _reason: str = ""
    _asked_at: float = 0.0

    def obstacle(self) -> str:
        """Why the hub cannot be reached, in words; empty where it can.

        In offline mode nothing is tried: huggingface_hub refuses every question at once by itself.
        """
        import huggingface_hub

        if self._reached or huggingface_hub.is_offline_mode():
            return ""
        with self._lock:
            if not self._reached and not self.known_away:
                self._reason = _knock(_patience())
                self._reached, self._asked_at = not self._reason, time.monotonic()
            return self._reason

    def doubt(self) -> None:
        """To be told of a question that failed for an unknown reason: the next one knocks again."""
        self._reached = False

    @property
    def known_away(self) -> bool:
        """Whether it is known, without asking, that the hub cannot be reached now."""
        return bool(self._reason) and time.monotonic() - self._asked_at < FORGOTTEN_SECONDS


REACH = Reach()
"""What this process knows."""


def _patience() -> float:
    """Seconds to wait: the user's own, where stated."""
    with suppress(ValueError):
        return float(os.environ["HF_HUB_ETAG_TIMEOUT"]) if _is_stated() else PATIENCE_SECONDS
    return PATIENCE_SECONDS


def _is_stated() -> bool:
    return bool(os.environ.get("HF_HUB_ETAG_TIMEOUT"))


def _knock(seconds: float) -> str:
    """Why the hub does not answer within `seconds`; empty where it does. The thread is given up,
    since looking up a name cannot be interrupted.
    """
    from huggingface_hub import constants

    over, errors = threading.Event(), list[str]()

    def trace(event: str, info: Any) -> None:
        if event.endswith("start_tls.complete"):
            over.set()

    def ask() -> None:
        from huggingface_hub.utils import get_session

        try:
            answer = get_session().request(
                "HEAD",
                constants.ENDPOINT,
                timeout=seconds,
                follow_redirects=False,
                extensions={"trace": trace},
            )
            if answer.status_code in _NOBODY_BEHIND and not over.is_set():
                what = f"{answer.status_code} {answer.reason_phrase}".strip()
                errors.append(f"a gateway answers {what}")
        except Exception as error:  # httpx, sockets, certificates: no common root
            if type(error).__name__.endswith("Timeout"):
                return  # the same time has passed here and there
            if not over.is_set():
                errors.append(first_line(error, 160))
        over.set()

    threading.Thread(target=ask, name="xstilts-knocks", daemon=True).start()
    if over.wait(seconds):
        return f"{constants.ENDPOINT}: {errors[0]}" if errors else ""
    return f"{constants.ENDPOINT}: no answer within {seconds:g} s"

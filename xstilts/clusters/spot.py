"""Spot machines say a while before that they will be taken away: two minutes at AWS.

`watch` runs on such a machine, beside its Ray node. It asks the machine's metadata service, and at
a notice it drains the node: Ray starts nothing there any more, and every run that has a phase there
lets it keep a partial checkpoint and go on elsewhere.

The metadata service (AWS, IMDSv2) is asked for a session token first, and then with it:

    PUT  /latest/api/token                            a token, for six hours
    GET  /latest/meta-data/spot/instance-action       404 while there is no notice, then
                                                      {"action": "terminate", "time": "2026-..."}
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from xstilts.errors import EngineError, first_line

METADATA = "http://169.254.169.254"
"""Address of the metadata service on every AWS machine."""
ASK_SECONDS = 5.0
"""AWS's own advice for how often to ask."""
TOKEN_SECONDS = 21600
ANSWER_SECONDS = 5.0
_OPENER = build_opener(ProxyHandler({}))  # the service is this machine's own: never by a proxy


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The machine will be taken away."""

    action: str
    """`terminate`, `stop` or `hibernate`."""
    seconds: float
    """Until then, by this machine's clock; 0 where that is over."""


class Metadata:
    """The metadata service at an address. EngineError where it does not answer as it should."""

    def __init__(self, address: str = METADATA, clock: Callable[[], float] = time.time) -> None:
        """`clock` says seconds since 1970."""
        self.address, self._clock, self._token = address.rstrip("/"), clock, ""

    def notice(self) -> Notice | None:
        """The notice, if there is one."""
        try:
            if not self._token:
                self._token = self._ask("PUT", "/latest/api/token", self._life)
            said = json.loads(
                self._ask("GET", "/latest/meta-data/spot/instance-action", self._mine)
            )
            at = datetime.fromisoformat(said["time"]).replace(tzinfo=UTC).timestamp()
            return Notice(action=str(said["action"]), seconds=max(0.0, at - self._clock()))
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            if error.code == HTTPStatus.UNAUTHORIZED:
                self._token = ""  # it has run out; the next look asks for another
                return None
            raise self._wrong(error) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._wrong(error) from error

    def _wrong(self, error: Exception) -> EngineError:
        return EngineError(
            f"{self.address}: no metadata service of a spot machine answers there "
            f"({first_line(error)}); --metadata names another address"
        )

    @property
    def _life(self) -> dict[str, str]:
        return {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}

    @property
    def _mine(self) -> dict[str, str]:
        return {"X-aws-ec2-metadata-token": self._token}

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = Request(f"{self.address}{path}", method=method, headers=headers)
        with _OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())


def watch(
    metadata: Metadata,
    drain: Callable[[Notice], str],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Notice:
    """Waits for a notice, then calls `drain`, which returns the node that it has drained.

    `tell` gets a sentence when something is new. A service that does not answer is asked again.
    """
    wrong = ""
    while True:
        try:
            notice = metadata.notice()
            if notice is not None:
                node = drain(notice)
                tell(f"{notice.action} in {notice.seconds:.0f} s: node {node} is drained")
                return notice
            now = ""
        except EngineError as error:
            now = str(error)
        if now and now != wrong:
            tell(now)
        wrong = now
        sleep(ASK_SECONDS)

"""A cluster's dashboard, asked over HTTP: its jobs, their logs, its nodes.

Ray's own client would do, but it takes RAY_ADDRESS for the address whatever it is given, has no
time limits, and leaves out what a `.gitignore` names. What is asked here is Ray's documented REST
interface, and its store of packages.

Nothing is sent to another address than the one given: no redirect is followed and no proxy used,
since each request carries the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from xstilts.clusters.token import PLACES
from xstilts.errors import EngineError, InputError, first_line, visible

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
UPLOAD_SECONDS = 900.0
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class Away(EngineError):
    """The dashboard does not answer; it may again."""


class Used(EngineError):
    """A job's id is used already."""


class Unknown(EngineError):
    """The cluster knows no such job: never, or not any more."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the cluster lists it."""

    id: str
    status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED: as the list says, which may be wrong after
    the head has died (`Dashboard.lives`).
    """
    message: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    """Seconds since 1970; 0 where it is not known."""
    ended: float = 0.0
    exit_code: int | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended, as far as the list knows."""
        return self.status not in _ENDED


class Dashboard:
    """One cluster's dashboard. Every method raises `Away` where it does not answer, InputError
    where it refuses the token, EngineError for all else.
    """

    def __init__(self, url: str, token: str | None, shown: str = "") -> None:
        """`shown`: how messages name the cluster, where that is not `url`."""
        import requests

        self.url, self._token, self.shown = url.rstrip("/"), token, shown or url
        self._session = requests.Session()
        self._session.trust_env = False  # netrc would replace the token, a proxy would see it

    # -- what is asked

    def ray_version(self) -> str:
        """The cluster's Ray; also tells whether the token is right."""
        return str(self._json("GET", "/api/version")["ray_version"])

    def jobs(self) -> list[Job]:
        """All jobs that were submitted and are not forgotten."""
        listed = self._json("GET", "/api/jobs/")
        return [_job(one) for one in listed if one.get("submission_id")]

    def job(self, name: str) -> Job:
        """One job. `Unknown` where the cluster has none of this name."""
        answer = self._ask("GET", f"/api/jobs/{quote(name, safe='')}")
        if answer.status_code == 404:
            raise Unknown(f"{self.shown}: there is no job {name}")
        self._good(answer, f"the job {name}")
        return _job(answer.json())

    def submit(
        self, name: str, entrypoint: str, runtime_env: dict[str, Any], metadata: dict[str, str]
    ) -> None:
        """Starts a job. `Used` where its id is used already."""
        body = {
            "entrypoint": entrypoint,
            "submission_id": name,
            "runtime_env": runtime_env,
            "metadata": metadata,
        }
        answer = self._ask("POST", "/api/jobs/", json=body)
        if answer.status_code != 200 and "already exists" in answer.text:
            raise Used(f"{self.shown}: the job {name} is there already")
        self._good(answer, f"the job {name} was not taken")

    def stop(self, name: str) -> None:
        """Asks a job to end; it gets its time to do so."""
        answer = self._ask("POST", f"/api/jobs/{quote(name, safe='')}/stop")
        self._good(answer, f"the job {name} could not be stopped")

    def lives(self, name: str) -> bool:
        """Whether a job's supervisor lives. The list of jobs can't be asked: after the head has
        died and come back, it has them as they were.
        """
        wanted = f"_ray_internal_job_actor_{name}"
        query = f"filter_keys=name&filter_predicates=%3D&filter_values={quote(wanted, safe='')}"
        found = self._json("GET", f"/api/v0/actors?limit=100&{query}")["data"]["result"]["result"]
        return any(one["name"] == wanted and one["state"] != "DEAD" for one in found)

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that live, as Ray's State API gives them."""
        query = "filter_keys=state&filter_predicates=%3D&filter_values=ALIVE"
        found = self._json("GET", f"/api/v0/nodes?limit=10000&{query}")
        return list(found["data"]["result"]["result"])

    def log(self, name: str) -> str:
        """All that a job has printed."""
        return str(self._json("GET", f"/api/jobs/{quote(name, safe='')}/logs")["logs"] or "")

    def follow(self, name: str, tell: Callable[[str], None]) -> None:
        """Gives `tell` what a job has printed, from its beginning, and what it prints until it
        ends. Works in any thread, also where an event loop runs already, as in a notebook; `tell`
        is then called from another thread.
        """
        try:
            if _in_event_loop():
                with ThreadPoolExecutor(1) as other:
                    other.submit(asyncio.run, self._follow(name, tell)).result()
            else:
                asyncio.run(self._follow(name, tell))
        except OSError as error:
            raise Away(f"{self.shown}: the connection broke ({first_line(error)})") from error

    async def _follow(self, name: str, tell: Callable[[str], None]) -> None:
        import aiohttp

        url = f"{self.url}/api/jobs/{quote(name, safe='')}/logs/tail"
        short = aiohttp.ClientWSTimeout(ws_close=1.0)  # who leaves waits for no last word
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers()) as session,
                session.ws_connect(url, heartbeat=30.0, max_msg_size=0, timeout=short) as lines,
            ):
                async for message in lines:
                    if message.type == aiohttp.WSMsgType.TEXT:
                        tell(message.data)
                if lines.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
                    raise Away(f"{self.shown}: the connection broke")
        except aiohttp.ClientError as error:
            raise Away(f"{self.shown}: the connection broke ({first_line(error)})") from error

    def keep(self, uri: str, package: bytes) -> bool:
        """Uploads a package to the cluster unless it is there; returns whether it was sent."""
        protocol, _, name = uri.partition("://")
        path = f"/api/packages/{protocol}/{name}"
        if self._ask("GET", path).status_code == 200:
            return False
        answer = self._ask("PUT", path, data=package, seconds=UPLOAD_SECONDS)
        self._good(answer, f"a package of {len(package) / 2**20:.1f} MiB was not taken")
        return True

    # -- how

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Any:
        import requests

        try:
            answer = self._session.request(
                method,
                self.url + path,
                json=json,
                data=data,
                headers=self._headers(),
                timeout=(CONNECT_SECONDS, seconds),
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            raise Away(
                f"{self.shown}: no dashboard of a Ray cluster answers there "
                f"({_cause(error)}); is the cluster up, and the address the one of its dashboard?"
            ) from error
        if answer.status_code in (401, 403):
            raise InputError(self._refused(answer.status_code))
        return answer

    def _refused(self, status: int) -> str:
        if not self._token:
            return (
                f"{self.shown}: the cluster asks for its token ({status}), and there is none here; "
                f"put it into {PLACES}"
            )
        return (
            f"{self.shown}: the cluster does not take the token that is here ({status}); put the "
            f"one of this cluster into {PLACES}"
        )

    def _json(self, method: str, path: str) -> Any:
        answer = self._ask(method, path)
        self._good(answer, path)
        try:
            return answer.json()
        except ValueError as error:
            raise EngineError(
                f"{self.shown}: what answers there is no dashboard of Ray; give the address of the "
                "dashboard, as http://127.0.0.1:8265"
            ) from error

    def _good(self, answer: Any, what: str) -> None:
        if answer.status_code != 200:
            said = (
                visible(first_line(answer.text.strip().splitlines()[-1:][0], 300))
                if (answer.text.strip())
                else "no reason given"
            )
            raise EngineError(f"{self.shown}: {what}: {answer.status_code} ({said})")


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _cause(error: BaseException) -> str:
    """The innermost reason: what requests wraps around it says nothing more."""
    seen = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return first_line(seen, 160)


def _job(value: dict[str, Any]) -> Job:
    return Job(
        id=value["submission_id"],
        status=str(value["status"]),
        message=value.get("message") or "",
        metadata=dict(value.get("metadata") or {}),
        started=(value.get("start_time") or 0) / 1000,
        ended=(value.get("end_time") or 0) / 1000,
        exit_code=value.get("driver_exit_code"),
    )

"""A dashboard that answers as Ray's does, without a cluster: its jobs end when the test says so.

It listens on loopback in a thread, asks for a token, keeps packages and jobs in memory, and notes
every header and body that it gets, so that a test can look for what must not be sent.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import web

TOKEN = "a-token-of-the-cluster"


class FakeDashboard:
    """What is asked of it and what it says."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.supervisors: set[str] = set()
        """Jobs whose supervisor lives."""
        self.packages: dict[str, bytes] = {}
        self.bodies: list[Any] = []
        """Every job as it was submitted."""
        self.nodes = 1
        self.taken: set[str] = set()
        """Ids that the list does not show and that are used all the same: deleted jobs."""
        self.says = "this job runs xstilts on head\n"
        """What a job prints first."""
        self.exits: list[int | None] = []
        """Exit codes of the next jobs, which end at once; None: it goes on."""
        self.breaks = 0
        """Connections to a log that will break."""
        self.url = ""

    # -- the cluster's life

    def end(self, name: str, status: str = "SUCCEEDED", code: int | None = 0) -> None:
        """A job ends."""
        self.jobs[name].update(status=status, driver_exit_code=code, end_time=2000)
        self.supervisors.discard(name)

    # -- what it answers

    @web.middleware
    async def _auth(self, request: web.Request, handler: Any) -> Any:
        given = request.headers.get("Authorization", "")
        if not given:
            return web.Response(status=401, text="Unauthorized: Missing authentication token")
        if given != f"Bearer {TOKEN}":
            return web.Response(status=403, text="Forbidden: Invalid authentication token")
        return await handler(request)

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"ray_version": "2.60.0"})

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.jobs.values()))

    async def _job(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["name"])
        return web.json_response(job) if job else web.Response(status=404, text="no such job")

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body["submission_id"]
        if name in self.jobs:
            return web.Response(status=500, text=f"ValueError: Job {name} already exists. Choose")
        self.bodies.append(body)
        self.jobs[name] = {
            "submission_id": name,
            "status": "RUNNING",
            "message": "",
            "metadata": body["metadata"],
            "start_time": 1000 + len(self.jobs),
            "end_time": None,
            "driver_exit_code": None,
        }
        if name in self.taken:
            self.jobs[name].update(
                status="FAILED", message=f"Failed to start supervisor actor {name}: 'taken'"
            )
            return web.json_response({"submission_id": name})
        self.logs[name] = f"Running entrypoint for job {name}: {body['entrypoint']}\n{self.says}"
        self.supervisors.add(name)
        code = self.exits.pop(0) if self.exits else None
        if code is not None:
            self.end(name, "FAILED" if code else "SUCCEEDED", code)
        return web.json_response({"submission_id": name})

    async def _stop(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.logs[name] += "stopped after 3 s: 1 done\n"
        self.end(name, "STOPPED", None)
        return web.json_response({"stopped": True})

    async def _log(self, request: web.Request) -> web.Response:
        return web.json_response({"logs": self.logs.get(request.match_info["name"], "")})

    async def _tail(self, request: web.Request) -> web.StreamResponse:
        name, socket = request.match_info["name"], web.WebSocketResponse()
        await socket.prepare(request)
        sent = 0
        while True:
            log = self.logs[name]
            if log[sent:]:
                await socket.send_str(log[sent:])
                sent = len(log)
            if self.breaks:
                self.breaks -= 1
                assert request.transport is not None
                request.transport.abort()
                return socket
            if name not in self.supervisors:
                return socket
            await asyncio.sleep(0.02)

    async def _actors(self, request: web.Request) -> web.Response:
        wanted = request.query["filter_values"]
        alive = [
            {"name": f"_ray_internal_job_actor_{name}", "state": "ALIVE"}
            for name in self.supervisors
        ]
        found = [one for one in alive if one["name"] == wanted]
        return web.json_response({"data": {"result": {"result": found}}})

    async def _nodes(self, request: web.Request) -> web.Response:
        nodes = [{"node_ip": f"10.0.0.{i}", "state": "ALIVE"} for i in range(self.nodes)]
        return web.json_response({"data": {"result": {"result": nodes}}})

    async def _has(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if request.match_info["name"] in self.packages else 404)

    async def _keep(self, request: web.Request) -> web.Response:
        self.packages[request.match_info["name"]] = await request.read()
        return web.Response()

    def app(self) -> web.Application:
        """The pages."""
        app = web.Application(middlewares=[self._auth], client_max_size=2**30)
        app.add_routes(
            [
                web.get("/api/version", self._version),
                web.get("/api/jobs/", self._list),
                web.post("/api/jobs/", self._submit),
                web.get("/api/jobs/{name}", self._job),
                web.post("/api/jobs/{name}/stop", self._stop),
                web.get("/api/jobs/{name}/logs", self._log),
                web.get("/api/jobs/{name}/logs/tail", self._tail),
                web.get("/api/v0/actors", self._actors),
                web.get("/api/v0/nodes", self._nodes),
                web.get("/api/packages/gcs/{name}", self._has),
                web.put("/api/packages/gcs/{name}", self._keep),
            ]
        )
        return app


@contextmanager
def fake_dashboard() -> Iterator[FakeDashboard]:
    """A dashboard, for the block."""
    fake, ready, loop = FakeDashboard(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(fake.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        fake.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def run() -> None:
        with (
            asyncio.Runner(loop_factory=lambda: loop) as runner,
            suppress(asyncio.CancelledError),
        ):
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(10)

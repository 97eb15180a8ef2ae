"""A Ray head with dashboard and token, as `ray start --head` makes it, for tests of jobs.

It has ports and a temporary folder of its own, so it neither meets nor ends another cluster on the
machine. It is one process group: `kill` takes all of it, as a dying machine would.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

START_SECONDS = 120.0


class RayHead:
    """A running head: its addresses, its token, and how it dies."""

    def __init__(self, folder: Path, token: str, cpus: int, extra: Mapping[str, str]) -> None:
        """`extra`: variables that the head and all that runs on it have."""
        self.folder, self.token, self._cpus = folder, token, cpus
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._extra, self._ports = extra, free_ports(5)
        port, dashboard = self._ports[:2]
        self.gcs, self.dashboard = f"127.0.0.1:{port}", f"http://127.0.0.1:{dashboard}"
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again after `kill`, at the same ports."""
        port, dashboard, client, agent, metrics = self._ports
        arguments = [
            "--head",
            "--block",
            f"--port={port}",
            "--node-ip-address=127.0.0.1",
            "--dashboard-host=127.0.0.1",
            f"--dashboard-port={dashboard}",
            f"--ray-client-server-port={client}",
            f"--dashboard-agent-listen-port={agent}",
            f"--metrics-export-port={metrics}",
            "--min-worker-port=0",
            "--max-worker-port=0",
            f"--num-cpus={self._cpus}",
            '--resources={"trial_slot": 64}',
            "--object-store-memory=100000000",
            f"--temp-dir={self.folder}",
            "--disable-usage-stats",
        ]
        self._started = self._run(arguments)
        try:
            self._wait(lambda: self._asked("/api/jobs/") is not None)
        except BaseException:
            self.kill()
            raise

    def add_node(self, cpus: int) -> None:
        """Starts a worker node of this machine and waits until the cluster has it. It has a folder
        of its own, as another machine would: a node removes a job's files there when it has no use
        for them any more, and in a shared folder those of the head would be gone too.
        """
        agent, metrics = free_ports(2)
        arguments = [
            "--block",
            f"--address={self.gcs}",
            f"--temp-dir={self.folder}/n{len(self._nodes) + 1}",
            f"--dashboard-agent-listen-port={agent}",
            f"--metrics-export-port={metrics}",
            "--min-worker-port=0",
            "--max-worker-port=0",
            f"--num-cpus={cpus}",
            "--object-store-memory=100000000",
            "--disable-usage-stats",
        ]
        self._nodes.append(self._run(arguments))
        wanted = 1 + len(self._nodes)
        self._wait(lambda: (self._asked("/api/v0/nodes") or "").count('"ALIVE"') == wanted)

    def _run(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        self._log = open(self.folder / "start.log", "ab")  # noqa: SIM115
        return subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("RAY_")},
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": self.token,
                **self._extra,
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _asked(self, path: str) -> str | None:
        """What the dashboard answers; None where it does not."""
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.dashboard}{path}", headers=headers)
        with suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode())
        return None

    def _wait(self, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._started.poll() is None, (self.folder / "start.log").read_text()
            if ready():
                return
            time.sleep(0.3)
        raise AssertionError(f"not there after {START_SECONDS:.0f} s")

    def kill(self) -> None:
        """Kills every process of the head, and those of its jobs, at once."""
        for process in (*self._nodes, self._started):
            if process.poll() is None:  # else its id may be another process's by now
                started = psutil.Process(process.pid)
                for one in (*started.children(recursive=True), started):
                    with suppress(psutil.Error):
                        one.kill()
                process.wait()
        self._nodes.clear()
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.folder) in " ".join([*one.cmdline(), one.cwd()]):
                    one.kill()
        self._log.close()


@contextmanager
def ray_head(cpus: int = 2, **extra: str) -> Iterator[RayHead]:
    """A head, for the block."""
    folder = Path(tempfile.mkdtemp(prefix="xh-", dir="/tmp"))
    try:
        head = RayHead(folder, secrets.token_hex(16), cpus, extra)
        try:
            yield head
        finally:
            head.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()

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
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

START_SECONDS = 120.0


class RayHead:
    """A running head: its addresses, its token, and how it dies."""

    def __init__(self, folder: Path, token: str, extra: Mapping[str, str]) -> None:
        """`extra`: variables that the head and all that runs on it have."""
        self.folder, self.token = folder, token
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
            "--num-cpus=2",
            '--resources={"trial_slot": 64}',
            "--object-store-memory=100000000",
            f"--temp-dir={self.folder}",
            "--disable-usage-stats",
        ]
        self._log = open(self.folder / "start.log", "wb")  # noqa: SIM115
        self._started = subprocess.Popen(
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
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.dashboard}/api/jobs/", headers=headers)
        while time.monotonic() < until:
            assert self._started.poll() is None, (self.folder / "start.log").read_text()
            with suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(request, timeout=5).close()
                return
            time.sleep(0.3)
        raise AssertionError(f"no head after {START_SECONDS:.0f} s")

    def kill(self) -> None:
        """Kills every process of the head, and those of its jobs, at once."""
        if self._started.poll() is None:  # else its id may be another process's by now
            started = psutil.Process(self._started.pid)
            for one in (*started.children(recursive=True), started):
                with suppress(psutil.Error):
                    one.kill()
            self._started.wait()
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.folder) in " ".join([*one.cmdline(), one.cwd()]):
                    one.kill()
        self._log.close()


@contextmanager
def ray_head(**extra: str) -> Iterator[RayHead]:
    """A head, for the block."""
    folder = Path(tempfile.mkdtemp(prefix="xh-", dir="/tmp"))
    try:
        head = RayHead(folder, secrets.token_hex(16), extra)
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

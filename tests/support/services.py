"""Services that a test starts on loopback: a spot machine's metadata, an MLflow server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen


class Metadata(ThreadingHTTPServer):
    """The metadata service of an AWS machine (IMDSv2) as AWS describes it: without a token it
    answers 401, without a notice 404. It serves within a `with` block.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notice: bytes | None = None
        self.token, self.given = "first", 0
        self.broken = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *given: object) -> None:
        self.shutdown()
        super().__exit__(*given)

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.server_port}"

    def terminate_in(self, seconds: float) -> None:
        """Gives notice."""
        at = datetime.fromtimestamp(time.time() + seconds, UTC)
        said = {"action": "terminate", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.notice = json.dumps(said).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Metadata

    def do_PUT(self) -> None:
        life = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        right = self.path == "/latest/api/token" and 0 < int(life or 0) <= 21600
        self.server.given += right
        self.answer(200 if right else 400, self.server.token.encode())

    def do_GET(self) -> None:
        if self.server.broken:
            return self.answer(500, b"")
        if self.headers.get("X-aws-ec2-metadata-token") != self.server.token:
            return self.answer(401, b"")
        if self.path != "/latest/meta-data/spot/instance-action" or self.server.notice is None:
            return self.answer(404, b"")
        return self.answer(200, self.server.notice)

    def answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        """Nothing."""


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator[None]:
    """An MLflow server on loopback over SQLite, until the end of the block."""
    folder.mkdir()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"),
            *("--default-artifact-root", str(folder / "artifacts")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/health")
        yield
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)


def _wait_until_it_answers(address: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urlopen(address, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def tracked_phases(uri: str) -> list[str]:
    """The phase of each run that MLflow has of one; one that is there twice is listed twice."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    ids = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(ids, filter_string="tags.`xstilts.phase` != ''", max_results=1000)
    return sorted(run.data.tags["xstilts.phase"] for run in runs)

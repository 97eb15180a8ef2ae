"""The server's process: found again by its pid file, ended with its workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from xstilts.clusters.mlflow_server.processes import answers, end, running, started

WITH_WORKER = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(worker.pid, flush=True)
worker.wait()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """A process with one worker, in a group of their own."""
    started = subprocess.Popen(
        [sys.executable, "-c", WITH_WORKER],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield started
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()


def test_process_is_found_by_its_file_until_it_ends(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    file = tmp_path / "mlflow.pid"
    started(file, process.pid, "http://127.0.0.1:5000")
    found = running(file)
    assert found is not None
    assert (found.pid, found.address) == (process.pid, "http://127.0.0.1:5000")
    end(process.pid)
    assert running(file) is None


def test_another_process_of_the_same_number_is_not_the_server(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.pid"
    started(file, os.getpid(), "http://127.0.0.1:5000")
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "process": said["process"] + "0"}))
    assert running(file) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x", "process": 1, "address": ""}'])
def test_damaged_pid_file_names_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "mlflow.pid").write_text(text)
    assert running(tmp_path / "mlflow.pid") is None


def test_end_takes_the_workers_along(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    end(process.pid)
    assert process.poll() is not None or not Path(f"/proc/{process.pid}").exists()
    stat = Path(f"/proc/{worker}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 401)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_answers_asks_the_page_that_needs_no_password() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert answers(address)
        server.shutdown()
    assert not answers(address)

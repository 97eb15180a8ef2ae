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

from xstilts.clusters.mlflow_server.processes import answers, end, end_leftovers, running, started

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


MLFLOW = WITH_WORKER.replace("time.sleep(600)", "time.sleep(600)  # mlflow")


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.parametrize(("program", "left"), [(MLFLOW, False), (WITH_WORKER, True)])
def test_workers_of_a_server_that_was_killed_are_ended_if_they_are_mlflow_s(
    tmp_path: Path, program: str, left: bool
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert killed.stdout is not None
    worker = int(killed.stdout.readline())
    file = tmp_path / "mlflow.pid"
    try:
        started(file, killed.pid, "http://127.0.0.1:5000")
        end_leftovers(file)
        assert alive(killed.pid), "a server that lives is no leftover"
        killed.kill()
        killed.wait()
        end_leftovers(file)
        assert alive(worker) is left
    finally:
        with suppress(ProcessLookupError):
            os.killpg(killed.pid, signal.SIGKILL)
        killed.stdout.close()


def test_leftovers_of_another_boot_or_of_a_damaged_file_are_nobody(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.pid"
    end_leftovers(file)
    started(file, os.getpid(), "http://127.0.0.1:5000")
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "process": "another-boot/pid:[1]/5"}))
    end_leftovers(file)
    assert alive(os.getpid())


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

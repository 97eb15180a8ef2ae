"""The mirror in the background."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.world import World, everything
from xstilts.errors import TrackingError
from xstilts.store.ledger import Entry
from xstilts.tracking.server import connect
from xstilts.tracking.thread import TrackerThread


class _Scripted:
    """Stands for the server's side of a tracker: fails as often as it is told."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures, self.error = failures, error or TrackingError("down")
        self.seen: list[int] = []
        self.problems: dict[str, str] = {}
        self.began, self.go = threading.Event(), threading.Event()
        self.go.set()

    def sync(self, entries: Sequence[Entry]) -> int:
        self.began.set()
        self.go.wait(30)
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        self.seen.append(len(entries))
        return len(entries)

    def missing(self, entries: Sequence[Entry]) -> int:
        return len(entries)


def _thread(tracker: Any, warnings_: list[str]) -> TrackerThread:
    return TrackerThread(
        tracker,
        "xstilts track s.yaml",
        warnings_.append,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.02,
    )


def _entries(count: int) -> list[Entry]:
    return [Entry(slot=str(i), kind="target", model="m", task="t", seed=1) for i in range(count)]


@contextmanager
def _server(database: Path, port: int) -> Iterator[str]:
    """`mlflow server` on the loopback interface."""
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{database}"],
        env=environment,
        cwd=database.parent,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{uri}/health", timeout=5):
                break
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_thread_real_server_that_goes_and_comes_back_holds_the_same(
    world: World, made: tuple[Path, Path], warnings_: list[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    remote = world.store.path / "remote.db"
    shutil.copy(made[1], remote)
    thread = TrackerThread(
        world.tracker(f"http://127.0.0.1:{port}"),
        "c",
        warnings_.append,
        first_wait_seconds=0.1,
        longest_wait_seconds=0.5,
    )
    entries = world.entries
    with _server(remote, port):
        thread.submit(entries[:6])
        client = connect(f"http://127.0.0.1:{port}")
        while (found := client.get_experiment_by_name("test-sweep-v1")) is None:
            pass
        while not client.search_runs([found.experiment_id]):
            pass
    thread.submit(entries)
    while not warnings_:
        pass
    with _server(remote, port):
        assert thread.close(120) is None
    assert "run goes on" in warnings_[0]
    assert len(warnings_) <= 2
    world.tracker().sync(entries)
    there = World(
        store=world.store, folder=world.folder, sweep=world.sweep, uri=f"sqlite:///{remote}"
    )
    assert everything(there) == everything(world)


def test_thread_real_tracker_mirrors_the_last_ledger(world: World, warnings_: list[str]) -> None:
    thread = _thread(world.tracker(), warnings_)
    entries = world.entries
    for end in range(1, len(entries) + 1):
        thread.submit(entries[:end])
    assert thread.close(120) is None
    assert world.tracker().sync(entries) == 0
    assert warnings_ == []


def test_thread_ledgers_that_pile_up_are_sent_once(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(1))
    assert tracker.began.wait(30)
    for count in range(2, 50):
        thread.submit(_entries(count))
    tracker.go.set()
    assert thread.close(30) is None
    assert tracker.seen == [1, 49]


@pytest.mark.parametrize("error", [TrackingError("down"), RuntimeError("a bug")])
def test_thread_server_that_comes_back_is_warned_of_once_and_caught_up(
    warnings_: list[str], error: Exception
) -> None:
    tracker = _Scripted(3, error)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(2))
    tracker.go.set()
    while tracker.failures:
        tracker.began.clear()
        assert tracker.began.wait(30)
    assert thread.close(30) is None
    assert tracker.seen == [2]
    assert len(warnings_) == 2
    assert "run goes on" in warnings_[0]
    assert "is back" in warnings_[1]


def test_thread_close_with_server_away_says_what_is_missing_and_the_command(
    warnings_: list[str],
) -> None:
    thread = _thread(_Scripted(10**9), warnings_)
    thread.submit(_entries(3))
    message = thread.close(30)
    assert message is not None
    assert "lacks 3" in message
    assert "`xstilts track s.yaml`" in message
    assert len(warnings_) == 1


def test_thread_close_with_a_view_that_fails_is_told_and_never_raised(warnings_: list[str]) -> None:
    class Uncountable(_Scripted):
        def missing(self, entries: Sequence[Entry]) -> int:
            raise TypeError("not JSON serializable")

    thread = _thread(Uncountable(10**6, TypeError("not JSON serializable")), warnings_)
    thread.submit(_entries(2))
    told = thread.close(30)
    assert told is not None and told.startswith(
        "MLflow lacks some of the sweep's runs (TypeError: not JSON"
    )


def test_thread_close_with_server_that_hangs_does_not_wait_for_it(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(3))
    assert tracker.began.wait(30)
    message = thread.close(0.05)
    tracker.go.set()
    assert message is not None
    assert "not finished within 0.05 s" in message


def test_thread_problem_of_one_phase_is_warned_of_once(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.problems = {"abc": "damaged"}
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(1))
    thread.submit(_entries(2))
    assert "damaged" in str(thread.close(30))
    assert len([w for w in warnings_ if "abc" in w]) == 1

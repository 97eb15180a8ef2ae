"""Threads that call Ray are waited for before Ray is left and before the process ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from xstilts.driver import cluster, ray_threads
from xstilts.driver.ray_threads import asking
from xstilts.spec.sweep import Resources


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets a call that does not come back come back, at the latest at the test's end."""
    event = threading.Event()
    yield event
    event.set()
    assert ray_threads.wait(10)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What happened, in order, to a driver that joins a cluster and leaves it."""
    happened: list[str] = []
    monkeypatch.setattr(cluster.ray, "init", lambda **how: None)
    monkeypatch.setattr(cluster.ray, "shutdown", lambda: happened.append("Ray is left"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        yield happened


def test_it_is_asked_again_and_again_also_after_an_error_and_no_more_after_the_block() -> None:
    answers: list[int] = []

    def ask() -> None:
        answers.append(len(answers))
        raise RuntimeError("Ray is away")

    until = time.monotonic() + 30
    with asking(ask, 0.01, "test"):
        while len(answers) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert ray_threads.wait(10)
    count = len(answers)
    time.sleep(0.1)
    assert len(answers) == count >= 3


def test_ray_is_left_when_the_last_call_has_come_back(left: list[str]) -> None:
    begun = threading.Event()

    def ask() -> None:
        begun.set()
        time.sleep(0.5)
        left.append("the call is back")

    with cluster.connected(Resources()), asking(ask, 0.01, "test"):
        assert begun.wait(10)
    assert left == ["the call is back", "Ray is left"]


def test_call_that_does_not_come_back_is_not_waited_for_without_end(
    left: list[str], release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ENDING_SECONDS", 1.0)
    begun = threading.Event()

    def ask() -> None:
        begun.set()
        release.wait(60)

    began = time.monotonic()
    with cluster.connected(Resources()), asking(ask, 0.01, "test"):
        assert begun.wait(10)
    assert left == ["Ray is left"] and not ray_threads.wait(0)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("stuck", "said"), [(True, "atexit\n"), (False, "back\natexit\n")])
def test_process_whose_thread_is_stuck_in_ray_ends_at_once_with_its_code(
    stuck: bool, said: str
) -> None:
    code = f"""
import atexit, time
from xstilts.driver import ray_threads
atexit.register(print, "atexit")
ray_threads.start(time.sleep, {60 if stuck else 0}, name="test")
ray_threads.wait(0.5)
ray_threads.end_process(143)
print("back")
raise SystemExit(143)
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, said, "")
    assert time.monotonic() - began < 30

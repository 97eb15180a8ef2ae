"""Connecting to MLflow: errors that say what to do, and a database that is created once."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.world import World
from xstilts.errors import TrackingError
from xstilts.tracking.server import connect

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing answers there."""


def test_connect_server_down_fails_within_seconds(world: World) -> None:
    began = time.monotonic()
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9"):
        world.tracker(NOWHERE).sync(world.entries)
    assert time.monotonic() - began < 20


def test_connect_plain_folder_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=f"sqlite:///{tmp_path}/mlflow.db"):
        connect(str(tmp_path))


def test_connect_damaged_database_says_how_to_rebuild(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TrackingError, match="xstilts track"):
        connect(f"sqlite:///{tmp_path}/mlflow.db")


def test_connect_unwritable_place_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="give `tracking:` a writable place"):
        connect(f"sqlite:///{tmp_path}/file/mlflow.db")


def _open(uri: str, barrier: Any) -> None:
    barrier.wait()
    connect(uri).search_experiments()


@pytest.mark.slow
def test_connect_fresh_database_by_several_processes_is_made_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    processes = [context.Process(target=_open, args=(uri, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    _open(uri, threading.Barrier(1))


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """A server that refuses everything; its address."""

    class Handler(BaseHTTPRequestHandler):
        def _all(self) -> None:
            text = b"You are not authenticated." if status == 401 else b"Permission denied"
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _all

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_server_that_asks_who_one_is_says_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    with (
        refusing(401) as uri,
        pytest.raises(TrackingError, match="it asks who you are; set MLFLOW"),
    ):
        world.tracker(uri).sync(world.entries)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a-password-of-ann")
    with refusing(401) as uri, pytest.raises(TrackingError, match="password of ann is not") as said:
        world.tracker(uri).sync(world.entries)
    assert "a-password-of-ann" not in str(said.value)


def test_server_that_does_not_let_this_user_write_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    with refusing(403) as uri, pytest.raises(TrackingError, match="bob may not do this there"):
        world.tracker(uri).sync(world.entries)

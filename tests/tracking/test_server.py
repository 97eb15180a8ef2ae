"""Connecting to MLflow: errors that say what to do, and a database that is created once."""

from __future__ import annotations

import multiprocessing
import threading
import time
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

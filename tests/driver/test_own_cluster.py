"""The cluster of a real run: who can reach it, and what is left when its driver is killed."""

from __future__ import annotations

import http.client
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from tests.driver.test_engine import LONG, finish, launch, partials, wait_for
from tests.support.tiny import make_sweep

pytestmark = pytest.mark.ray

PAGES = ("/metrics", "/api/version", "/api/jobs/", "/api/v0/actors", "/nodes", "/logs")
METHODS = (
    "NodeInfoGcsService/GetAllNodeInfo",
    "InternalKVGcsService/InternalKVKeys",
    "JobInfoGcsService/GetAllJobInfo",
    "NodeManagerService/GetNodeStats",
    "ObjectManagerService/Pull",
    "CoreWorkerService/PushTask",
    "ReporterService/GetTraceback",
)
EMPTY_PAGE = b"<!doctype html>"
"""How the dashboard's page begins, which is the same for all; what fills it needs the token."""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for the sockets in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def listening(driver: psutil.Process) -> dict[tuple[str, int], str]:
    """Address and port to the process, of all TCP sockets that a run listens on."""
    found = {}
    for process in (driver, *driver.children(recursive=True)):
        try:
            for one in process.net_connections(kind="inet"):
                if one.status == psutil.CONN_LISTEN:
                    found[(one.laddr.ip, one.laddr.port)] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def page(port: int, path: str) -> bytes:
    """What a socket says to a browser without the token; nothing where it refuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else b""
    except (OSError, http.client.HTTPException):
        return b""
    finally:
        connection.close()


def called(port: int, method: str) -> bytes:
    """What a socket says to a call without the token; nothing where it refuses."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return bytes(channel.unary_unary(f"/ray.rpc.{method}")(b"", timeout=10))
        except grpc.RpcError:
            return b""


def folders(temporary: Path) -> set[str]:
    """The runs' folders, without the end of their names that chance chose."""
    return {folder.name.rpartition("-")[0] for folder in temporary.glob("xstilts-*")}


def test_run_listens_on_loopback_asks_for_its_token_and_leaves_nothing_to_the_next_when_killed(
    tmp_path: Path, temporary: Path
) -> None:
    resources = {"workers": 2, "slots": 1, "partial_every_seconds": 0.2}
    options: dict[str, Any] = {"intermediates": ["first"], "seeds": [1], "search": {"trials": 1}}
    long = make_sweep(tmp_path / "long", **options, intermediate=LONG, resources=resources)
    driver = launch(long, TMPDIR=str(temporary))
    wait_for(lambda: partials(tmp_path / "long/store"))
    family = psutil.Process(driver.pid).children(recursive=True)

    sockets = listening(psutil.Process(driver.pid))
    assert len(sockets) > 12
    assert any("RayTrainWorker" in process for process in sockets.values())
    assert {address for address, _ in sockets} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    for port in {port for _, port in sockets}:
        assert page(port, "/")[: len(EMPTY_PAGE)] in (b"", EMPTY_PAGE)
        assert [path for path in PAGES if page(port, path)] == []
        assert [method for method in METHODS if called(port, method)] == []

    assert folders(temporary) == {"xstilts-ray", "xstilts-tune"}
    for folder in temporary.glob("xstilts-*"):
        assert folder.stat().st_mode & 0o077 == 0, "other users can enter"

    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    assert folders(temporary) == {"xstilts-ray", "xstilts-tune"}
    short = make_sweep(tmp_path / "short", **options, budget={"phases": 1})
    assert finish(launch(short, TMPDIR=str(temporary)))["started"] == 1
    assert folders(temporary) == set()
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []

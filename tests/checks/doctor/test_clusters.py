"""Ray on this machine: its parts, its authentication, the clusters that run; the last test starts
one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xstilts.checks.doctor import clusters


def test_extras_installed_ray_has_its_dashboard() -> None:
    assert clusters.extras().ok


def test_extras_part_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = [
        'aiohttp; extra == "default"',
        'gone-dashboard-part>=1; extra == "default"',
        'gone; extra == "llm"',
    ]
    monkeypatch.setattr(clusters.metadata, "requires", lambda name: requirements)
    check = clusters.extras()
    assert check.state == "fail"
    assert check.what == "missing: gone-dashboard-part"


@pytest.mark.parametrize(
    ("environment", "address", "state"),
    [
        ({}, None, "ok"),
        ({}, "10.0.0.1:6379", "warn"),
        ({"RAY_AUTH_MODE": "token"}, None, "ok"),
        ({"RAY_AUTH_MODE": "token", "HOME": "/nowhere"}, "10.0.0.1:6379", "fail"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "x"}, "10.0.0.1:6379", "ok"),
        ({"RAY_AUTH_MODE": "disabled"}, "127.0.0.1:6379", "ok"),
        ({"RAY_AUTH_MODE": "disabled"}, "10.0.0.1:6379", "warn"),
        ({"RAY_AUTH_MODE": "yes"}, None, "fail"),
    ],
)
def test_authentication_mode_is_judged(
    environment: dict[str, str], address: str | None, state: str
) -> None:
    assert clusters.authentication(address, environment).state == state


def _process(proc: Path, pid: int, *words: str) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine with one Ray cluster and processes that only mention one."""
    _process(tmp_path, 10, "/usr/bin/vi", "gcs_server")
    _process(
        tmp_path, 11, "/site/ray/gcs_server", "--gcs_server_port=0", "--session-dir=/tmp/ray/s1"
    )
    _process(
        tmp_path, 12, "/site/ray/raylet", "--session_dir=/tmp/ray/s1", "--gcs-address=10.0.0.1:6379"
    )
    (tmp_path / "meminfo").write_text("")
    return tmp_path


def test_clusters_none_is_well(tmp_path: Path) -> None:
    assert clusters.clusters(None, tmp_path).ok


def test_clusters_the_one_joined_is_well(proc: Path) -> None:
    assert clusters.clusters("10.0.0.1:6379", proc).ok


def test_clusters_another_is_named_with_its_process(proc: Path) -> None:
    _process(proc, 21, "/site/ray/gcs_server", "--gcs_server_port=0", "--session-dir=/tmp/ray/s2")
    check = clusters.clusters("10.0.0.1:6379", proc)
    assert check.state == "warn"
    assert "process 21" in check.what
    assert "process 11" not in check.what
    assert "kill PID" in check.fix


def test_cluster_address_that_does_not_answer_is_serious() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        (check,) = clusters.cluster(f"127.0.0.1:{probe.getsockname()[1]}")
    assert check.state == "fail"
    assert "unset it" in check.fix


def test_cluster_no_address_asks_nobody() -> None:
    assert list(clusters.cluster(None)) == []


def test_temporary_folder_long_path_is_serious() -> None:
    assert clusters.temporary_folder("/tmp").ok
    assert clusters.temporary_folder("/tmp/" + "x" * 40).state == "fail"


_CLUSTER = """
import os, sys
import ray
ray.init(address="local", num_cpus=1, include_dashboard=sys.argv[2] == "on",
         dashboard_host="127.0.0.1", dashboard_port=int(sys.argv[3]), _temp_dir=sys.argv[1],
         object_store_memory=100 * 2**20, log_to_driver=False)
print("address=" + ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
"""


@contextmanager
def _cluster(folder: Path, dashboard: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, str(folder), dashboard, port],
        env={**os.environ, "RAY_AUTH_MODE": "disabled"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (
            next(line for line in process.stdout if line.startswith("address="))
            .split("=")[1]
            .strip()
        )
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@pytest.mark.ray
@pytest.mark.parametrize(("dashboard", "ok"), [("on", True), ("off", False)])
def test_cluster_dashboard_is_found_on_and_off(
    dashboard: str, ok: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    folder = Path("/tmp") / f"xstilts-doctor-{os.getpid()}-{dashboard}"
    try:
        with _cluster(folder, dashboard) as address:
            (check,) = clusters.cluster(address)
            assert check.ok is ok, check.what
            heads = [head.address for head in clusters._heads(Path("/proc"))]
            assert address in heads
            assert address not in clusters.clusters(address).what or clusters.clusters(address).ok
    finally:
        shutil.rmtree(folder, ignore_errors=True)

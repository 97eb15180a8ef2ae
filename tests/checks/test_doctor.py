"""The doctor's checks: each that can be provoked on one machine, without a cluster but for the
last.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from xstilts.checks.doctor import checks, clusters, machine, packages, storage
from xstilts.store.phases import Store

GB = 1024**3


def test_checks_this_machine_names_each_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = checks(Store(tmp_path / "store"), f"sqlite:///{tmp_path}/mlflow.db", None)
    names = [check.name for check in found]
    assert len(names) == len(set(names))
    assert {
        "packages",
        "store",
        "disk",
        "tracking",
        "open files",
        "Ray clusters",
        "memory",
        "cores",
    } <= set(names)
    assert all(check.fix for check in found if not check.ok)
    assert list(tmp_path.iterdir()) == []


def test_checks_load_neither_ray_nor_torch_nor_mlflow() -> None:
    code = (
        "import sys\nfrom xstilts.checks.doctor import checks\nchecks('.', None)\n"
        "assert not {'ray', 'torch', 'mlflow', 'optuna'} & set(sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, cwd=Path(__file__).parents[2]
    )


# -- packages ------------------------------------------------------------------------------------


def test_packages_missing_one_is_serious_and_names_it() -> None:
    (check,) = packages.packages({"no-such-package-here": "1.0"})
    assert check.state == "fail"
    assert "no-such-package-here is missing" in check.what


def test_packages_other_minor_version_is_advice() -> None:
    (check,) = packages.packages({"pydantic": "1.2.3"})
    assert check.state == "warn"
    assert "(tested: 1.2.3)" in check.what


def test_packages_table_is_what_the_lock_file_pins() -> None:
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text().splitlines()
    pinned = dict(
        line.split(";")[0].strip().split("==")
        for line in lock
        if "==" in line and line[0].isalpha()
    )
    assert {name: pinned[name].split("+")[0] for name in packages.TESTED} == dict(packages.TESTED)


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


# -- the machine ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("soft", "hard", "state"),
    [
        (1024, 4096, "fail"),
        (4096, 4096, "warn"),
        (65_536, 65_536, "ok"),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, "ok"),
    ],
)
def test_open_files_limit_is_judged(soft: int, hard: int, state: str) -> None:
    check = machine.open_files(soft, hard)
    assert check.state == state
    assert "ulimit -n 65536" in check.fix


@pytest.mark.parametrize(("gigabytes", "state"), [(1, "fail"), (3, "warn"), (16, "ok")])
def test_memory_available_is_judged(gigabytes: int, state: str) -> None:
    assert machine.memory(gigabytes * GB).state == state


@pytest.mark.parametrize(("gigabytes", "state"), [(0.5, "fail"), (5, "warn"), (100, "ok")])
def test_disk_free_is_judged(tmp_path: Path, gigabytes: float, state: str) -> None:
    assert storage.disk(tmp_path, int(gigabytes * GB)).state == state


def test_cores_more_threads_than_cores_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    check = machine.cores()
    assert check.state == "warn"
    assert "unset OMP_NUM_THREADS" in check.fix


def test_shared_memory_absent_is_advice(tmp_path: Path) -> None:
    assert machine.shared_memory(tmp_path / "shm").state == "warn"


# -- the store -----------------------------------------------------------------------------------


def test_store_writable_folder_not_there_yet_is_not_made(tmp_path: Path) -> None:
    check = storage.store_writable(tmp_path / "a" / "b")
    assert check.ok
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="needs a folder that nobody may write to"
)
def test_store_read_only_place_is_serious() -> None:
    check = storage.store_writable(Path("/proc/self/store"))
    assert check.state == "fail"
    assert "not writable" in check.what


def test_store_locks_that_do_not_exclude_are_serious(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.fcntl, "flock", lambda *_: None)
    check = storage.store_writable(tmp_path)
    assert check.state == "fail"
    assert "do not exclude" in check.what


# -- tracking ------------------------------------------------------------------------------------


@contextmanager
def _answering(code: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_tracking_off_and_fresh_database_are_well(tmp_path: Path) -> None:
    assert storage.tracking(None).ok
    assert storage.tracking(f"sqlite:///{tmp_path}/new/mlflow.db").ok
    assert list(tmp_path.iterdir()) == []


def test_tracking_damaged_database_is_advice(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    check = storage.tracking(f"sqlite:///{tmp_path}/mlflow.db")
    assert check.state == "warn"
    assert "move it away" in check.what


@pytest.mark.parametrize(("code", "ok"), [(200, True), (401, True), (404, False)])
def test_tracking_server_answer_is_judged(code: int, ok: bool) -> None:
    with _answering(code) as uri:
        assert storage.tracking(uri).ok is ok


def test_tracking_server_down_is_advice_without_the_password() -> None:
    check = storage.tracking("http://ann:secret@127.0.0.1:9")
    assert check.state == "warn"
    assert "secret" not in check.what
    assert "xstilts track" in check.fix


def test_tracking_plain_folder_is_told(tmp_path: Path) -> None:
    assert "sqlite:///" in storage.tracking(str(tmp_path)).what


# -- Ray -----------------------------------------------------------------------------------------


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
ray.init(address="local", num_cpus=1, include_dashboard=sys.argv[2] == "on", dashboard_host="127.0.0.1",
         dashboard_port=int(sys.argv[3]), _temp_dir=sys.argv[1], object_store_memory=100 * 2**20, log_to_driver=False)
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

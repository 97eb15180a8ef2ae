"""Where results go: the store, its disk, and the tracking server or database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support import object_servers
from xstilts.checks.doctor import storage
from xstilts.store.phases import Store

GB = 1024**3


@pytest.mark.parametrize(("gigabytes", "state"), [(0.5, "fail"), (5, "warn"), (100, "ok")])
def test_disk_free_is_judged(tmp_path: Path, gigabytes: float, state: str) -> None:
    assert storage.disk(tmp_path, int(gigabytes * GB)).state == state


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
    assert "are not exclusive" in check.what


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


def test_object_store_that_is_there_and_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    with object_servers.moto() as endpoint:
        for name, value in object_servers.settings(endpoint).items():
            monkeypatch.setenv(name, value)
        assert storage.object_store(Store(object_servers.address())).ok
        lacking = storage.object_store(Store("s3://no-such-bucket/a"))
    assert not lacking.ok
    assert (
        lacking.what == "s3://no-such-bucket/a: there is no such bucket; make it, or give another"
    )

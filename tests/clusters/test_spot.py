"""A spot machine's notice, from a small metadata service that behaves as AWS describes its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xstilts.clusters.spot import ASK_SECONDS, Metadata, Notice, watch
from xstilts.errors import EngineError

NOW = 1795800000.0  # 2026-11-27T17:20:00Z
NOTICE = b'{"action": "terminate", "time": "2026-11-27T17:22:00Z"}'


class Service(ThreadingHTTPServer):
    """IMDSv2: without a token it answers 401, without a notice 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notice: bytes | None = None
        self.token, self.given = "first", 0
        self.broken = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        life = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        right = self.path == "/latest/api/token" and 0 < int(life or 0) <= 21600
        self.server.given += right
        self.answer(200 if right else 400, self.server.token.encode())

    def do_GET(self) -> None:
        if self.server.broken:
            return self.answer(500, b"")
        if self.headers.get("X-aws-ec2-metadata-token") != self.server.token:
            return self.answer(401, b"")
        if self.path != "/latest/meta-data/spot/instance-action" or self.server.notice is None:
            return self.answer(404, b"")
        return self.answer(200, self.server.notice)

    def answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def test_metadata_without_a_notice_says_none_with_one_token(service: Service) -> None:
    metadata = Metadata(service.address)
    assert [metadata.notice() for _ in range(3)] == [None] * 3
    assert service.given == 1


def test_metadata_with_a_notice_says_what_and_in_how_many_seconds(service: Service) -> None:
    service.notice = NOTICE
    metadata = Metadata(service.address + "/", clock=lambda: NOW)
    assert metadata.notice() == Notice(action="terminate", seconds=120.0)
    late = Metadata(service.address, clock=lambda: NOW + 500)
    assert late.notice() == Notice(action="terminate", seconds=0.0)


def test_metadata_whose_token_ran_out_gets_another(service: Service) -> None:
    metadata = Metadata(service.address, clock=lambda: NOW)
    assert metadata.notice() is None
    service.token, service.notice = "second", NOTICE
    assert metadata.notice() is None
    assert metadata.notice() is not None
    assert service.given == 2


@pytest.mark.parametrize("body", [b"", b"soon", b'{"action": "stop"}', b"[1]"])
def test_metadata_that_says_something_else_is_an_error(service: Service, body: bytes) -> None:
    service.notice = body
    with pytest.raises(EngineError, match="no metadata service of a spot machine answers there"):
        Metadata(service.address).notice()


def test_metadata_where_nobody_listens_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9.*--metadata names another address"):
        Metadata("http://127.0.0.1:9").notice()


def test_watch_outlives_a_service_that_is_away_and_drains_at_the_notice(service: Service) -> None:
    told: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        service.broken = len(slept) in (2, 3)
        service.notice = NOTICE if len(slept) == 5 else None

    def drain(notice: Notice) -> str:
        return "a1b2"

    found = watch(Metadata(service.address, clock=lambda: NOW), drain, told.append, sleep)
    assert found.action == "terminate"
    assert slept == [ASK_SECONDS] * 5
    assert len(told) == 2 and "HTTP Error 500" in told[0]
    assert told[1] == "terminate in 120 s: node a1b2 is drained"


def test_watch_whose_drain_is_refused_tries_again(service: Service) -> None:
    service.notice, tries, told = NOTICE, [], []

    def drain(notice: Notice) -> str:
        tries.append(notice)
        if len(tries) < 3:
            raise EngineError("the head does not answer")
        return "a1b2"

    watch(Metadata(service.address), drain, told.append, lambda seconds: None)
    assert len(tries) == 3
    assert told[0] == "the head does not answer" and len(told) == 2

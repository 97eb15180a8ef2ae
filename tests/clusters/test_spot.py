"""A spot machine's notice, from a small metadata service that behaves as AWS describes its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.services import Metadata as Service
from xstilts.clusters.spot import ASK_SECONDS, Metadata, Notice, watch
from xstilts.errors import EngineError

NOW = 1795800000.0  # 2026-11-27T17:20:00Z
NOTICE = b'{"action": "terminate", "time": "2026-11-27T17:22:00Z"}'


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        yield made


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

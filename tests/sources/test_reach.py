"""A hub that cannot be reached is known soon, and once; a slow one that works is waited for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from xstilts.errors import DataError
from xstilts.sources import hub, reach
from xstilts.sources.context import DataContext
from xstilts.sources.reach import Reach


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub asks servers here, those of the test alone, without a proxy."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    huggingface_hub.close_session()
    monkeypatch.setattr(hub, "REACH", Reach())


def endpoint(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Puts a server in the place of huggingface.co."""
    monkeypatch.setattr(constants, "ENDPOINT", address)


@pytest.fixture
def hole() -> Iterator[str]:
    """A socket that accepts and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    """A short wait, so that the tests are quick; the real one is checked by itself."""
    monkeypatch.setattr(reach, "PATIENCE_SECONDS", 0.3)
    return 0.3


class Answers(BaseHTTPRequestHandler):
    """Answers every question after a while with one status."""

    status, after_seconds = 404, 0.0

    def do_HEAD(self) -> None:
        """Answers."""
        time.sleep(self.after_seconds)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def served(kind: type[Answers]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_everything_is_known_within_three_seconds() -> None:
    assert reach.PATIENCE_SECONDS <= 2.6  # the rest is for imports and for what is said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_socket_that_accepts_and_never_answers_is_no_hub(
    scheme: str, hole: str, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(monkeypatch, f"{scheme}://{hole}")
    began, seen = time.monotonic(), Reach()
    first = seen.obstacle()
    assert first == f"{scheme}://{hole}: no answer within 0.3 s"
    assert patience <= time.monotonic() - began < 2
    began = time.monotonic()
    assert seen.obstacle() == first and seen.known_away
    assert time.monotonic() - began < 0.1


def test_closed_port_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        endpoint(monkeypatch, f"http://127.0.0.1:{port}")
        began, seen = time.monotonic(), Reach()
        assert "refused" in seen.obstacle()
        assert time.monotonic() - began < 2


def test_name_that_nobody_knows_is_known_within_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint(monkeypatch, "https://no-such-hub.invalid")
    began, seen = time.monotonic(), Reach()
    assert seen.obstacle().startswith("https://no-such-hub.invalid: ")
    assert time.monotonic() - began < 3


def test_any_answer_of_a_hub_counts_and_is_remembered(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Reach()
    for address in served(Answers):
        endpoint(monkeypatch, address)
        assert seen.obstacle() == ""
    assert seen.obstacle() == "" and not seen.known_away  # the server is gone


def test_gateway_that_finds_no_hub_behind_it_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gateway(Answers):
        status = 502

    for address in served(Gateway):
        endpoint(monkeypatch, address)
        assert Reach().obstacle() == f"{address}: a gateway answers 502 Bad Gateway"


def test_user_who_says_how_long_to_wait_is_waited_for(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Answers):
        after_seconds = 0.8

    for address in served(Slow):
        endpoint(monkeypatch, address)
        assert "no answer" in Reach().obstacle()
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "20")
        assert Reach().obstacle() == ""


def test_proxy_that_is_away_is_an_obstacle(hole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{hole}")
    endpoint(monkeypatch, "https://huggingface.co")
    assert "no answer" in Reach().obstacle()


def test_hub_that_was_away_is_tried_again_after_a_while(
    hole: str, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(monkeypatch, f"http://{hole}")
    seen = Reach()
    assert seen.obstacle()
    for address in served(Answers):
        endpoint(monkeypatch, address)
        assert seen.obstacle()
        monkeypatch.setattr(reach, "FORGOTTEN_SECONDS", 0.0)
        assert seen.obstacle() == ""


def test_offline_mode_is_not_tried(hole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint(monkeypatch, f"http://{hole}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert Reach().obstacle() == ""


# -- what the door to the hub makes of it


def test_many_questions_to_a_hub_that_is_away_cost_one_wait(
    hole: str, patience: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(monkeypatch, f"http://{hole}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    began = time.monotonic()
    for number in range(20):
        with pytest.raises(DataError, match=r"cannot be reached \(.*no answer within 0.3 s\)"):
            hub.HuggingFace().names("model", f"nobody/away-{number}", "main")
        with pytest.raises(DataError, match=r"cannot be reached"):
            hub.HuggingFace().commit("dataset", f"nobody/away-{number}", "main")
        for folder in (None, tmp_path / "mirror"):
            with pytest.raises(DataError, match=r"cannot be reached"):
                hub.HuggingFace().download("model", f"nobody/away-{number}", "main", ["a"], folder)
    assert time.monotonic() - began < 2


def cached_model(cache: Path, name: str) -> Path:
    """A model as an earlier download leaves it in the cache of huggingface_hub."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    return snapshot


def test_earlier_download_serves_where_the_hub_is_away_and_where_nobody_is_asked(
    hole: str, patience: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(monkeypatch, f"http://{hole}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = cached_model(tmp_path, "somebody/kept")
    looking = DataContext(cache=str(tmp_path / "store"), looks_only=True)
    for door in (hub.of(looking), hub.HuggingFace()):
        assert door.names("model", "somebody/kept", "main") == ("config.json",)
        assert door.commit("model", "somebody/kept", "main") == snapshot.name
        folder = door.download("model", "somebody/kept", "main", ["config.json"], None)
        assert folder == snapshot
    with pytest.raises(DataError, match="somebody/other: not downloaded to this machine yet"):
        hub.of(looking).names("model", "somebody/other", "main")
    assert isinstance(hub.of(DataContext(cache="x")), hub.HuggingFace)


def test_network_that_goes_away_within_a_command_costs_one_wait(
    hole: str, patience: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> object:
        raise ConnectionError("lost")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", lost)
    for address in served(Answers):
        endpoint(monkeypatch, address)
        with pytest.raises(DataError, match=r"cannot be reached \(lost\)"):
            hub.HuggingFace().commit("model", "nobody/lost-1", "main")
    endpoint(monkeypatch, f"http://{hole}")
    with pytest.raises(DataError, match=r"cannot be reached \(.*no answer within 0.3 s\)"):
        hub.HuggingFace().commit("model", "nobody/lost-2", "main")

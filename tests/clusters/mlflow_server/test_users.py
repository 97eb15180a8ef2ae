"""Users of an MLflow server: names and passwords that won't do, and what the server answers.

The server here is a stand-in that answers as MLflow was seen to; `test_server.py` has the real one.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from xstilts.clusters.mlflow_server import home as homes, users
from xstilts.clusters.mlflow_server.home import Home
from xstilts.clusters.mlflow_server.processes import started
from xstilts.errors import InputError, TrackingError

LONG = "long enough for MLflow"
Answer = Callable[[str, str, dict[str, Any]], tuple[int, Any]]
"""From method, path and body to status and answer."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(homes, "is_root", lambda: False)
    made = Home(tmp_path / "mlflow")
    made.prepare()
    return made


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """What the server was asked."""
    return []


@pytest.fixture
def serve(home: Home, asked: list[dict[str, Any]]) -> Iterator[Callable[[Answer], None]]:
    """Starts the stand-in with what it answers."""
    servers = []

    def begin(answer: Answer) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _all(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                asked.append({"by": self.headers["Authorization"], "path": self.path, **body})
                status, value = answer(self.command, self.path, body)
                text = (value if isinstance(value, str) else json.dumps(value)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = _all

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started(home.pid_file, os.getpid(), f"http://127.0.0.1:{server.server_port}")

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_user_is_added_by_the_administrator(
    home: Home, serve: Callable[[Answer], None], asked: list[dict[str, Any]]
) -> None:
    serve(lambda method, path, body: (200, {"user": {}}))
    users.add(home, "ann", LONG)
    (sent,) = asked
    login = base64.b64decode(sent["by"].removeprefix("Basic ")).decode()
    assert login == f"admin:{home.secret('admin-password')}"
    assert (sent["path"], sent["username"]) == ("/api/2.0/mlflow/users/create", "ann")


@pytest.mark.parametrize("name", ["", "a b", "-ann", "ann/../x", "x" * 65, "ann\n", "ä"])
def test_name_that_will_not_do_is_refused_before_anything_is_sent(home: Home, name: str) -> None:
    with pytest.raises(InputError, match="a name has letters, digits"):
        users.add(home, name, LONG)


@pytest.mark.parametrize(
    ("password", "said"),
    [("short", "has 5 characters; must be 12 or more"), ("pässword-of-ann", "printable ASCII")],
)
def test_password_that_will_not_do_is_refused_and_not_repeated(
    home: Home, password: str, said: str
) -> None:
    for change in (users.add, users.change_password):
        with pytest.raises(InputError, match=said) as raised:
            change(home, "ann", password)
        assert password not in str(raised.value)


def test_name_that_is_taken_is_told_with_what_to_do(
    home: Home, serve: Callable[[Answer], None]
) -> None:
    serve(lambda method, path, body: (400, {"error_code": "RESOURCE_ALREADY_EXISTS"}))
    with pytest.raises(InputError, match="mlflow user password ann` gives another"):
        users.add(home, "ann", LONG)


def test_unknown_user_is_told_with_those_there_are(
    home: Home, serve: Callable[[Answer], None]
) -> None:
    def answer(method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"users": [{"username": "bob"}, {"username": "admin"}]}
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}

    serve(answer)
    for change in (
        lambda: users.remove(home, "ann"),
        lambda: users.change_password(home, "ann", LONG),
    ):
        with pytest.raises(InputError, match="there is no user ann; there are: admin, bob"):
            change()


def test_administrator_stays(home: Home) -> None:
    with pytest.raises(InputError, match="admin is the server's own user"):
        users.remove(home, "admin")


def test_refusal_of_the_server_does_not_repeat_a_password(
    home: Home, serve: Callable[[Answer], None]
) -> None:
    serve(lambda method, path, body: (500, {"message": f"no room for {body['password']}"}))
    with pytest.raises(TrackingError, match=r"refused \(500\): no room for \*\*\*"):
        users.add(home, "ann", LONG)


def test_administrator_s_password_that_was_changed_on_the_server_is_told(
    home: Home, serve: Callable[[Answer], None]
) -> None:
    serve(lambda method, path, body: (401, "You are not authenticated."))
    with pytest.raises(InputError, match="write the new one there"):
        users.names(home)


def test_answer_that_is_no_json_is_told(home: Home, serve: Callable[[Answer], None]) -> None:
    serve(lambda method, path, body: (502, "<html>bad gateway"))
    with pytest.raises(TrackingError, match=r"refused \(502\): <html>bad gateway"):
        users.names(home)


def test_server_that_went_away_is_told(home: Home) -> None:
    started(home.pid_file, os.getpid(), "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="does not answer"):
        users.names(home)

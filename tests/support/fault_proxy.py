"""A proxy on loopback before a server that speaks S3, which fails as networks and servers do.

Each request asks `plan`, in order, what becomes of it:

    None          it goes through
    500, 503, 409 it is answered with this status and never reaches the server
    "lost"        it reaches the server, and the connection is cut before the answer
    "cut"         the connection is cut before the server sees it
    "cut short"   the answer is cut in its middle
    seconds       (a float) it goes through after this time

`down()` refuses every connection until `up()`.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = str | int | float | None
Plan = Callable[[str, str], Fault]
"""Takes method and path; says what becomes of the request."""


class Proxy:
    """The proxy. `asked` has method and path of each request, in order."""

    def __init__(self, server: str) -> None:
        self.target = urlsplit(server).netloc
        self.plan: Plan = lambda method, path: None
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Answers (again)."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuses connections, and cuts those that are open."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        with self.lock:
            there, self._open = self._open, set()
        for one in there:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def once(self, *faults: Fault, method: str = "PUT", part: str = "") -> None:
        """The next requests of a method, whose path has a part, meet these faults; then none do."""
        left = list(faults)

        def plan(asked: str, path: str) -> Fault:
            return left.pop(0) if left and asked == method and part in path else None

        self.plan = plan


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is no news."""


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        with self.proxy.lock:
            self.proxy._open.add(self.connection)

    def finish(self) -> None:
        with self.proxy.lock:
            self.proxy._open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, *given: Any) -> None:
        """Says nothing."""

    def _go(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.proxy.lock:
            self.proxy.asked.append((self.command, self.path))
            fault = self.proxy.plan(self.command, self.path)
        if isinstance(fault, float):
            time.sleep(fault)
        if fault == "cut":
            self._cut()
            return
        if isinstance(fault, int):
            self._answer(fault, {}, b"<Error><Code>InternalError</Code></Error>")
            return
        status, headers, content = self._asked(body)
        if fault == "lost":
            self._cut()
        elif fault == "cut short":
            self._answer(status, headers, content, short=True)
        else:
            self._answer(status, headers, content)

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The server's answer."""
        connection = http.client.HTTPConnection(self.proxy.target, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        headers["Host"] = self.headers.get("Host", self.proxy.target)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def _answer(
        self, status: int, headers: dict[str, str], content: bytes, *, short: bool = False
    ) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length", str(len(content)))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header(
                "Content-Length", length if self.command == "HEAD" else str(len(content))
            )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if short else content)
        if short:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _go


@contextmanager
def proxied(server: str) -> Iterator[Proxy]:
    """A proxy before a server, for the block."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        with suppress(Exception):
            proxy.down()

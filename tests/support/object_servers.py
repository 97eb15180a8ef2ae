"""Servers that speak S3, on loopback: moto's in this process, ministack's in one of its own.

Both honour conditional writes, also under race, and both keep everything in memory.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

BUCKET = "laboratory"


def settings(endpoint: str) -> dict[str, str]:
    """Environment in which `s3://laboratory/...` is at a server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto's server with the bucket; yields its address."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        make_bucket(f"http://{host}:{port}")
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextlib.contextmanager
def moto_apart() -> Iterator[str]:
    """moto's server with the bucket in a process of its own; yields its address."""
    port = _free_port()
    with _apart(["moto.server", "-H", "127.0.0.1", "-p", str(port)], port, "moto-api/") as address:
        yield address


@contextlib.contextmanager
def ministack(folder: str) -> Iterator[str]:
    """ministack with the bucket; yields its address. `folder` is for what it writes."""
    port = _free_port()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "SERVICES": "s3",
        "LOG_LEVEL": "ERROR",
        "HOME": folder,
        "TMPDIR": folder,
    }
    with _apart(["ministack"], port, "", cwd=folder, env=environment) as address:
        yield address


@contextlib.contextmanager
def _apart(module: list[str], port: int, ready: str, **where: Any) -> Iterator[str]:
    """A module of Python as a server of its own, with the bucket; it answers under `ready`."""
    address = f"http://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-m", *module], **quiet, **where) as process:
        try:
            _wait(f"{address}/{ready}", process)
            make_bucket(address)
            yield address
        finally:
            process.kill()


def make_bucket(endpoint: str, name: str = BUCKET) -> None:
    """An empty bucket."""
    request = urllib.request.Request(f"{endpoint}/{name}", data=b"", method="PUT")
    request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=testing/x/us-east-1/s3/x")
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def put(endpoint: str, place: str, key: str, content: bytes) -> None:
    """Writes an object past xstilts, without a condition."""
    path = place.removeprefix("s3://")
    request = urllib.request.Request(f"{endpoint}/{path}/{key}", data=content, method="PUT")
    request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=testing/x/us-east-1/s3/x")
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def address() -> str:
    """A place in the bucket that nobody else has."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no server at {url}")

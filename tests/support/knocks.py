"""Knocks at every socket that is given, without a token, in every way that Ray's sources know.

Run on a machine that is not part of the cluster: `python knocks.py 10.77.0.11:6379 ...` prints, as
JSON, what each answered. Over HTTP each path of Ray's dashboard and agents is asked for; over gRPC
each method of each of Ray's services is called with an empty request. What counts as an answer:
any HTTP status but 401, 403 and 404, and any gRPC status but those that say that the caller is not
known or the method not there. A call that is not refused would do what it does, so a cluster that
lets one in may not be whole afterwards.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

SECONDS = 1.0
"""How long one knock may take."""
SILENT = ("UNAUTHENTICATED", "UNIMPLEMENTED")
"""gRPC statuses that say that the caller is not known, or that nothing is there. All others count
as an answer: who lets a stranger wait has let him in.
"""


def _ray() -> Path:
    import ray

    return Path(ray.__file__).parent


def methods() -> list[str]:
    """`/ray.rpc.Service/Method` of all services of Ray, and gRPC's own of health."""
    files = (_ray() / "core" / "generated").glob("*_pb2_grpc.py")
    found = {m for file in files for m in re.findall(r"'(/ray\.[\w.]+/\w+)'", _text(file))}
    return sorted({*found, "/grpc.health.v1.Health/Check"})


def paths() -> list[tuple[str, str]]:
    """HTTP method and path of all pages of dashboard and agents, with a word for each blank."""
    route = re.compile(r"(?:routes|router)\.(?:add_)?(get|post|put|delete)\(\s*f?[\"']([^\"']+)")
    found = {("get", "/metrics")}
    for folder in ("dashboard", "_private/runtime_env"):
        for file in (_ray() / folder).rglob("*.py"):
            found.update(
                (verb, re.sub(r"{\w+}", "x", path)) for verb, path in route.findall(_text(file))
            )
    return sorted(found)


def _text(file: Path) -> str:
    return file.read_text("utf-8")


def knock(where: str) -> list[str]:
    """What answered at `host:port`."""
    host, _, port = where.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
    except OSError:
        return []
    return [*_http(where), *_grpc(where)]


def _http(where: str) -> Iterator[str]:
    for verb, path in paths():
        body = b"{}" if verb in ("post", "put") else None
        asked = urllib.request.Request(f"http://{where}{path}", data=body, method=verb.upper())
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            status = refused.code
        except Exception:  # what listens there does not speak HTTP
            return
        if status not in (401, 403, 404):
            yield f"{verb} {path} {status}"


def _grpc(where: str) -> Iterator[str]:
    import grpc

    with grpc.insecure_channel(where) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=SECONDS)
        except grpc.FutureTimeoutError:  # what listens there does not speak gRPC
            return
        for method in methods():
            try:
                channel.unary_unary(method)(b"", timeout=SECONDS)
                status = "OK"
            except grpc.RpcError as refused:
                status = refused.code().name
            if status not in SILENT:
                yield f"{method} {status}"


if __name__ == "__main__":
    print(json.dumps({where: knock(where) for where in sys.argv[1:]}))

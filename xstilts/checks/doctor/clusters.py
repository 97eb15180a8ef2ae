"""The doctor's checks of Ray, without starting it. Each is for a failure that happened in practice
(docs/architecture.md).

A cluster to join is asked from a separate process, since Ray's client ends a process that loses its
cluster.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from xstilts.checks.doctor.check import Check

EXTRAS = ("default", "train", "tune")
SOCKET_PATH_BYTES = 107
"""Longest path of a UNIX socket."""
_BELOW_TMP = len(
    "/xstilts-ray-12345678/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.0"
)
_ASK = """
import logging, sys
logging.disable(logging.CRITICAL)
from ray._raylet import GcsClient
gcs = GcsClient(address=sys.argv[1])
found = gcs.internal_kv_get(b"dashboard", namespace=b"dashboard", timeout=10)
print("cluster=there", flush=True)
from ray.util.state import list_nodes
list_nodes(address=sys.argv[1], limit=1, timeout=15)
print("dashboard=" + found.decode())
"""
"""Asks for what Train's clean-up needs: the State API, which only a full dashboard serves."""


def extras() -> Check:
    """Without `ray[default]` there is no dashboard, and ended trials leak their placement
    groups.
    """
    missing = sorted(_missing("ray", EXTRAS))
    return Check(
        name="ray[default,train,tune]",
        ok=not missing,
        what=f"missing: {', '.join(missing)}"
        if missing
        else "all parts are installed, including the dashboard",
        fix=(
            'pip install "ray[default,train,tune]"; without the dashboard ended trials '
            "keep their resources"
        ),
    )


def _missing(package: str, wanted: tuple[str, ...]) -> Iterator[str]:
    """Requirements of a package's extras that are not installed."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in metadata.requires(package) or ()]
    except metadata.PackageNotFoundError:
        yield package
        return
    for requirement in requirements:
        marker = requirement.marker
        if marker and any(marker.evaluate({"extra": extra}) for extra in wanted):
            try:
                metadata.version(requirement.name)
            except metadata.PackageNotFoundError:
                yield requirement.name


def authentication(address: str | None, environment: Mapping[str, str] = os.environ) -> Check:
    """Whether only the right people can use the cluster: Ray's job API runs any code it gets."""
    mode = environment.get("RAY_AUTH_MODE", "")
    wrong, fix, serious = "", "", True
    if not mode and address:
        wrong = (
            f"RAY_AUTH_MODE is not set, but {address} is joined; Ray then decides by whether there "
            "is a token file"
        )
        fix = (
            "export RAY_AUTH_MODE=token (or disabled), as the cluster was started, on every node "
            "and here"
        )
        serious = False
    elif mode and mode not in ("token", "disabled"):
        wrong, fix = f"RAY_AUTH_MODE={mode}", "set it to token, or unset it"
    elif mode == "token" and address and not _has_token(environment):
        wrong = "RAY_AUTH_MODE=token, and there is no token"
        fix = (
            "put the cluster's token into ~/.ray/auth_token, or name it in RAY_AUTH_TOKEN_PATH "
            "or RAY_AUTH_TOKEN"
        )
    elif mode == "disabled" and address and not _loopback(address):
        wrong = (
            f"RAY_AUTH_MODE=disabled and a cluster at {address}: whoever reaches it can run any "
            "code there"
        )
        fix = "start the cluster with RAY_AUTH_MODE=token, and set the same here"
        serious = False
    well = (
        f"RAY_AUTH_MODE={mode}"
        if mode
        else "a token is made for each cluster that a run starts on this machine"
    )
    return Check(
        name="Ray authentication", ok=not wrong, what=wrong or well, fix=fix, serious=serious
    )


def _has_token(environment: Mapping[str, str]) -> bool:
    if environment.get("RAY_AUTH_TOKEN"):
        return True
    home = Path(environment.get("HOME", "~")).expanduser()
    path = Path(environment.get("RAY_AUTH_TOKEN_PATH") or home / ".ray" / "auth_token")
    return path.is_file() and path.stat().st_size > 0


def _loopback(address: str) -> bool:
    return address.rsplit(":", 1)[0].strip("[]") in (
        "127.0.0.1",
        "localhost",
        "::1",
        "local",
        "auto",
    )


@dataclass(frozen=True, kw_only=True)
class Head:
    """A Ray head process of this machine."""

    pid: int
    address: str
    """`HOST:PORT`; empty if unknown."""
    session: str
    """The folder of its session."""


def clusters(address: str | None, proc: Path = Path("/proc")) -> Check:
    """How many clusters have their head on this machine; with several, Ray's own tools confuse
    them.
    """
    heads = list(_heads(proc))
    port = address.rsplit(":", 1)[-1] if address else None
    others = [head for head in heads if head.address.rsplit(":", 1)[-1] != port]
    described = ", ".join(
        f"process {head.pid} at {head.address or '?'} in {head.session or '?'}" for head in others
    )
    if others:
        what = (
            f"{len(others)} other Ray cluster{'s' * (len(others) > 1)} on this machine: {described}"
        )
    else:
        what = (
            f"one, at {address}"
            if heads
            else "none; a run starts its own"
            if not address
            else "none but the one joined"
        )
    return Check(
        name="Ray clusters",
        ok=not others,
        what=what,
        fix="join one (RAY_ADDRESS=HOST:PORT), or end leftover ones by process id (kill PID); "
        "`ray stop` ends every cluster here, other people's too. A run starts its own cluster "
        "beside them, in its own folder",
        serious=False,
    )


def _heads(proc: Path) -> Iterator[Head]:
    """Head processes. A head may not know its port when it starts, so its raylet's flags count."""
    addresses = {
        flags.get("session_dir"): flags.get("gcs_address", "")
        for _, flags in _processes(proc, "raylet")
    }
    for pid, flags in _processes(proc, "gcs_server"):
        folder = flags.get("session_dir", "")
        yield Head(pid=pid, address=addresses.get(folder, ""), session=folder)


def _processes(proc: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Process id and `--flags` of every process whose program is `name`."""
    for entry in sorted((e for e in proc.iterdir() if e.name.isdigit()), key=lambda e: int(e.name)):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if os.path.basename(words[0]) == name:
            pairs = (word.lstrip("-").split("=", 1) for word in words[1:] if "=" in word)
            yield int(entry.name), {key.replace("-", "_"): value for key, value in pairs}


def cluster(address: str | None, seconds: float = 60) -> Iterator[Check]:
    """Whether the cluster to join answers, and has a dashboard."""
    if not address or address in ("local", "auto"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        yield Check(
            name="Ray cluster",
            ok=False,
            what=f"{address} does not answer ({error})",
            fix=(
                "start it, correct RAY_ADDRESS, or unset it: a run then starts a cluster on "
                "this machine"
            ),
        )
        return
    what, dashboard = _ask(address, seconds)
    yield Check(
        name="Ray cluster",
        ok=bool(dashboard),
        what=what,
        fix="start the cluster with its dashboard (ray[default], no --include-dashboard=false), "
        "and with the same RAY_AUTH_MODE and token as here; without a dashboard ended trials "
        "keep their resources",
    )


def _ask(address: str, seconds: float) -> tuple[str, str]:
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK, address],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{address} is there, but did not answer within {seconds:g} s", ""
    said = dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    reason = (asked.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
    if "cluster" not in said:
        return f"{address} is there, but refuses ({reason})", ""
    if "dashboard" not in said:
        return f"{address}, without a dashboard that answers ({reason})", ""
    return f"{address}, dashboard at {said['dashboard']}", said["dashboard"]


def temporary_folder(folder: str | None = None) -> Check:
    """Whether the paths of Ray's sockets are short enough; with a long TMPDIR Ray can't start."""
    folder = folder or tempfile.gettempdir()
    length = len(os.fsencode(folder)) + _BELOW_TMP
    return Check(
        name="temporary folder",
        ok=length <= SOCKET_PATH_BYTES,
        what=(
            f"{folder}: Ray's sockets there have paths of {length} bytes, at most "
            f"{SOCKET_PATH_BYTES} are allowed"
        ),
        fix="export TMPDIR=/tmp, or another short path",
    )

"""The MLflow process of a home: whether it lives, whether it answers, how it is ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from xstilts.store.owner import process_identity

_STOP_SECONDS, _KILL_SECONDS = 30.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server's process, as its pid file says."""

    pid: int
    process: str
    """Machine, PID namespace and start of the process."""
    address: str
    """`http://HOST:PORT`."""


def started(pid_file: Path, pid: int, address: str) -> None:
    """Notes which process is the server."""
    said = Running(pid=pid, process=process_identity(pid), address=address)
    new = pid_file.with_suffix(".new")
    new.write_text(json.dumps(asdict(said)))
    new.replace(pid_file)


def running(pid_file: Path) -> Running | None:
    """The process that a pid file names, where that one still lives: not another of its number."""
    try:
        said = Running(**json.loads(pid_file.read_text()))
        return said if process_identity(said.pid) == said.process else None
    except (OSError, ValueError, TypeError):
        return None


def end_leftovers(pid_file: Path) -> None:
    """Ends workers whose server was killed: they would hold its port. Only those of the process
    group that the file names, since the machine has booted, and only if they are MLflow's.
    """
    try:
        said = Running(**json.loads(pid_file.read_text()))
    except (OSError, ValueError, TypeError):
        return
    here = process_identity(os.getpid()).rpartition("/")[0]
    if not here or not said.process.startswith(f"{here}/") or _exists(said.pid):
        return
    left = _members(said.pid)
    if left and all("mlflow" in _command(pid) for pid in left):
        end(said.pid)


def answers(address: str) -> bool:
    """Whether MLflow says that it is well; this page asks for no password."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(group: int) -> None:
    """Ends a server and its workers, which are a process group of their own; by force after half a
    minute.
    """
    for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not _lives(group):
                return
            time.sleep(0.05)


def _lives(group: int) -> bool:
    """Whether a process of the group lives."""
    with suppress(ChildProcessError):
        os.waitpid(group, os.WNOHANG)  # where this process started it
    return bool(_members(group))


def _members(group: int) -> list[int]:
    """The processes of a group; a zombie is none any more."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, its_group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(its_group) == group and state not in "ZX":
                found.append(int(entry.name))
    return found


def _exists(pid: int) -> bool:
    identity = process_identity(pid)
    return bool(identity) and not identity.endswith("/ended")


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""

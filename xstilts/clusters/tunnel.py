"""A tunnel to a head's dashboard, which listens on the head's loopback alone.

It is `ssh -N -L`, with the user, key and proxy of the cluster file's `auth:`. It ends with the
block. Nothing asks for a password: where ssh would have to, the tunnel is an error with what ssh
says.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from xstilts.errors import EngineError, first_line

OPEN_SECONDS = 40.0
DASHBOARD_PORT = 8265


def command(host: str, auth: Mapping[str, Any], port: int, to: int = DASHBOARD_PORT) -> list[str]:
    """The command of a tunnel from `port` of this machine's loopback to `to` of the head's."""
    options = {
        "BatchMode": "yes",
        "ExitOnForwardFailure": "yes",
        "ConnectTimeout": "15",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "StrictHostKeyChecking": "accept-new",
    }
    if auth.get("ssh_proxy_command"):
        options["ProxyCommand"] = str(auth["ssh_proxy_command"])
    words = ["ssh", "-N", "-L", f"127.0.0.1:{port}:127.0.0.1:{to}"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    if auth.get("ssh_private_key"):
        words += ["-o", "IdentitiesOnly=yes", "-i", os.path.expanduser(auth["ssh_private_key"])]
    return [*words, f"{auth.get('ssh_user', 'root')}@{host}"]


@contextmanager
def tunnel(host: str, auth: Mapping[str, Any]) -> Iterator[str]:
    """The address of a head's dashboard on this machine, for the block. EngineError where ssh can't
    reach the head.
    """
    port = _free_port()
    words = command(host, auth, port)
    with tempfile.TemporaryFile() as said:
        try:
            # a session of its own: Ctrl-C at the terminal must not take it away from a last answer
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"ssh could not be started ({error}); install openssh") from error
        try:
            _wait(process, port, host, said, words)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen, port: int, host: str, said: Any, words: list[str]) -> None:
    until = time.monotonic() + OPEN_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    why = first_line(lines[-1], 300) if lines else "ssh said nothing"
    raise EngineError(
        f"the head {host} could not be reached through ssh ({why}); try it by hand: "
        f"`{shlex.join(words)}`"
    )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

"""Ray's settings for a cluster that xstilts starts on this machine.

`own_cluster` sets them for a block and takes them back at its end, so that a cluster which is
joined never sees them. Ray takes most of them from the environment when it is imported, here and in
each process that it starts. Whether this process has imported ray already must not matter, so what
was read then is set too: a few constants of Ray's Python code, and the configuration of its C++
part, which is made to read the environment again.

What is set, and why:
- RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0: Ray takes 127.0.0.1 for the address of this machine, as it
  does on Windows and macOS. By default most of its sockets listen on all addresses, and three of
  them answer without the token. Its option for a node's address does not do it: an address that
  means this machine is replaced by one that others can reach.
- A token for this cluster alone, unless the user has set RAY_AUTH_MODE.
- No Prometheus pages: Ray serves three, on which its numbers can be read without a token. One has a
  switch; the other two get a port that does not exist, which Ray notes in its log.
- The time within which the parts of a cluster wait for each other at the start. Ray's 30 to 60 s
  are too short on a machine on which several runs start at once.
- TMPDIR: what Ray's processes and the trials leave there goes with the run's folder.

A variable that the user has set is left as it is; TMPDIR alone is replaced.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray._private import ray_constants
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from xstilts.workers.variables import restored

START_SECONDS = 300
"""How long one part of Ray waits for another at the start of a cluster."""
RAYLET_SECONDS = 90
"""How long this process waits for the raylet. Ray does not notice here that a raylet has died, as
one does whose agents take longer than 15 s (a limit that can't be set): the second try needs it.
"""
_ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_enable_metrics_collection": "0",
    "AUTOSCALER_METRIC_PORT": "-1",
    "DASHBOARD_METRIC_PORT": "-1",
    "RAY_raylet_start_wait_time_s": str(RAYLET_SECONDS),
    "RAY_gcs_server_port_wait_time_s": str(START_SECONDS),
    "RAY_agent_register_timeout_ms": str(1000 * START_SECONDS),
    "RAY_worker_register_timeout_seconds": str(START_SECONDS),
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": str(START_SECONDS),
}


@contextmanager
def own_cluster(temporary: Path) -> Iterator[None]:
    """Within the block, Ray starts clusters with the settings above; the temporary files of its
    processes go to `temporary`.
    """
    new = {k: v for k, v in {**_ENVIRONMENT, **_token()}.items() if k not in os.environ}
    new["TMPDIR"] = str(temporary)
    constants = {name: getattr(ray_constants, name) for name in _constants(os.environ)}
    try:
        with restored(new):
            os.environ.update(new)
            _reread(_constants(os.environ))
            yield
    finally:
        _reread(constants)


@contextmanager
def token_sent() -> Iterator[None]:
    """Within the block, Ray's clients in this process send the token that Ray finds; where the user
    has set RAY_AUTH_MODE, that decides.
    """
    try:
        with restored(("RAY_AUTH_MODE",)):
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            _reread({})
            yield
    finally:
        _reread({})


def _token() -> dict[str, str]:
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}


def _constants(environment: Mapping[str, str]) -> dict[str, Any]:
    """Constants that Ray looks up when a cluster is started, as this environment has them."""
    enabled = environment.get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "").lower() in ("1", "true")
    return {
        "ENABLE_RAY_CLUSTER": enabled,
        "RAY_DASHBOARD_STARTUP_TIMEOUT_S": int(
            environment.get("RAY_DASHBOARD_STARTUP_TIMEOUT_S", START_SECONDS)
        ),
    }


def _reread(constants: Mapping[str, Any]) -> None:
    """Makes this process's Ray read the environment again."""
    for name, value in constants.items():
        setattr(ray_constants, name, value)
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()

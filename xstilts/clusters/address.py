"""Which cluster a job is for: where its dashboard is, and a connection to it.

In this order:
1. `--address`: the dashboard (`http://127.0.0.1:8265`), or Ray's own address (`10.0.0.1:6379`),
   which is asked where the dashboard is, or a cluster file of any name;
2. RAY_ADDRESS, the same forms;
3. `cluster.yaml` in the current folder: the head of that cluster, through an ssh tunnel with the
   file's `auth:` section.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xstilts.clusters.dashboard import Dashboard
from xstilts.clusters.token import find_token
from xstilts.clusters.tunnel import tunnel
from xstilts.errors import EngineError, InputError, first_line

CLUSTER_FILE = "cluster.yaml"
Tell = Callable[[str], None]


@contextmanager
def dashboard_of(address: str | None, tell: Tell = lambda said: None) -> Iterator[Dashboard]:
    """The dashboard of the cluster, for the block. InputError where no cluster is named or the
    token is refused, EngineError where it does not answer.
    """
    given = address or os.environ.get("RAY_ADDRESS") or ""
    with _url(given, "--address" if address else "RAY_ADDRESS", tell) as (url, shown):
        found = Dashboard(url, find_token(), shown)
        found.ray_version()
        yield found


@contextmanager
def _url(given: str, source: str, tell: Tell) -> Iterator[tuple[str, str]]:
    """Where the dashboard is, and how messages name it."""
    if not given or given.endswith((".yaml", ".yml")):
        file = Path(given or CLUSTER_FILE)
        if given and not file.is_file():
            raise InputError(f"{source} is {given}: there is no such cluster file")
        if not file.is_file():
            raise InputError(
                "which cluster? give --address (http://127.0.0.1:8265, the dashboard of its head), "
                f"or set RAY_ADDRESS, or go to the folder of the {CLUSTER_FILE} that `ray up` "
                "started"
            )
        with _head(file, tell) as url:
            yield url, f"the cluster of {file}"
        return
    parts = urlsplit(given)
    if parts.scheme in ("http", "https"):
        if not parts.hostname or "@" in parts.netloc:
            raise InputError(f"{source} is no address of a dashboard; must be http://HOST:8265")
        yield f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{parts.netloc}"
        return
    host, _, port = given.rpartition(":")
    if "://" in given or not (host and port.isdigit()):
        raise InputError(
            f"{source} is {given}; must be the dashboard of a cluster (http://HOST:8265) or its "
            "address (HOST:6379)"
        )
    yield ask_gcs(given, source), given


def ask_gcs(address: str, source: str = "--address") -> str:
    """The dashboard of the cluster at `address` (HOST:6379). EngineError where none answers."""
    import ray  # noqa: F401  (its parts can't be imported alone)
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    from xstilts.driver.cluster import reach
    from xstilts.driver.ray_settings import token_sent

    try:
        reach(address)
        with token_sent() if find_token() else nullcontext():
            found = GcsClient(address=address).internal_kv_get(
                b"dashboard", namespace=b"dashboard", timeout=20
            )
    except Exception as error:  # sockets, gRPC, a token that is refused: no common root
        raise EngineError(
            f"{source} is {address}: no Ray cluster answers there ({first_line(error, 200)}); "
            "give the address of its dashboard, as http://127.0.0.1:8265"
        ) from error
    if not found:
        raise EngineError(f"{source} is {address}: that cluster has no dashboard, and so no jobs")
    return f"http://{found.decode()}"


@contextmanager
def _head(file: Path, tell: Tell) -> Iterator[str]:
    """The dashboard of the head that a cluster file describes, through a tunnel."""
    host, auth = head_of(file)
    tell(f"opening a tunnel to {host}, the head of {file}")
    with tunnel(host, auth) as url:
        yield url


def head_of(file: Path) -> tuple[str, Mapping[str, Any]]:
    """Address of the head of the running cluster of a file, and the file's `auth:` as Ray completes
    it. EngineError where there is none.

    Machines that one has (`provider: local`) say in the file which is the head; for all others the
    cloud is asked, by Ray's launcher and with the user's own access to that cloud.
    """
    from ruamel.yaml import YAML

    try:
        config = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        if head := config["provider"].get("head_ip"):
            return str(head), config["auth"]
        return _asked_of_the_cloud(file, config)
    except (Exception, SystemExit) as error:  # Ray's launcher has no common root, and exits
        raise EngineError(
            f"{file}: the head of its cluster can't be found ({first_line(error, 200)}); is it up "
            f"(`ray up {file}`)? --address names another cluster"
        ) from error


def _asked_of_the_cloud(file: Path, config: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Ray's launcher prints what it does; that is nothing for the user of another verb."""
    from ray.autoscaler._private import commands

    logging.getLogger("ray.autoscaler").setLevel(logging.ERROR)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        if "ssh_private_key" not in config["auth"]:
            config = commands._bootstrap_config(config)  # the launcher makes a key itself
        return str(commands.get_head_node_ip(str(file))), config["auth"]

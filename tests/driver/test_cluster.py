"""Joining a cluster, and how many phases fit on one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from xstilts.driver import cluster
from xstilts.errors import EngineError
from xstilts.sources.reach import Reach
from xstilts.spec.sweep import Resources


@pytest.mark.ray
def test_cluster_that_does_not_answer_is_named() -> None:
    code = (
        "from xstilts.driver import cluster; from xstilts.spec.sweep import Resources; "
        "cluster.connected(Resources()).__enter__()"
    )
    environment = {
        **os.environ,
        "RAY_ADDRESS": "127.0.0.1:1",
        "RAY_gcs_rpc_server_reconnect_timeout_s": "1",
    }
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=180, env=environment
    )
    assert "no Ray cluster answers there" in result.stderr


def test_dashboards_address_is_told_apart_from_a_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    with (
        pytest.raises(EngineError, match="is a cluster's dashboard, to which `xstilts submit`"),
        cluster.connected(Resources()),
    ):
        pass


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """How Ray was told to join a cluster, at an address where something listens."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(cluster.ray, "init", lambda **how: given.append(how))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        yield given


def test_driver_in_a_job_names_no_variable_that_the_job_has(
    joined: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"runtime_env": {"env_vars": {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "3"}}}
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps(job))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with cluster.connected(Resources()):
        pass
    (how,) = joined
    variables = how["runtime_env"]["env_vars"]
    assert not {"HF_HUB_OFFLINE", "OMP_NUM_THREADS"} & set(variables)
    assert {"RAY_ADDRESS", "TOKENIZERS_PARALLELISM"} <= set(variables)


@pytest.mark.parametrize("config", ["{}", '{"runtime_env": null}', '{"runtime_env": {}}'])
def test_job_without_variables_takes_all_of_the_drivers(
    joined: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", config)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with cluster.connected(Resources()):
        pass
    assert joined[0]["runtime_env"]["env_vars"]["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("could not find it"), "no Ray cluster answers there .could not find it"),
        (ValueError("Failed to merge the Job's runtime env"), "could not be joined: Failed to m"),
        (RuntimeError("Version mismatch: 3.11 and 3.12"), "could not be joined: Version mismatch"),
    ],
)
def test_cluster_that_cannot_be_joined_is_told_with_the_true_cause(
    joined: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def init(**how: Any) -> None:
        raise error

    monkeypatch.setattr(cluster.ray, "init", init)
    with pytest.raises(EngineError, match=said), cluster.connected(Resources()):
        pass


def test_workers_use_the_cache_at_once_where_the_driver_knows_that_the_hub_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def offline() -> str | None:
        variables: dict[str, str] = cluster._runtime(Resources(), {})["env_vars"]
        return variables.get("HF_HUB_OFFLINE")

    assert offline() is None
    away = Reach(_reason="no answer", _asked_at=time.monotonic())
    monkeypatch.setattr(cluster, "REACH", away)
    assert offline() == "1"


# -- a start that takes long


@pytest.fixture
def ray_init(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Ray's start, which fails at once; the folders that it was given."""
    folders: list[str] = []

    def init(**arguments: Any) -> None:
        folders.append(arguments["_temp_dir"])
        raise RuntimeError("the current node timed out")

    monkeypatch.setattr(cluster.ray, "init", init)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return folders


def test_start_that_fails_for_time_is_tried_once_more_in_another_folder(
    ray_init: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cluster, "SLOW_SECONDS", 0.0)
    told: list[str] = []
    with (
        pytest.raises(EngineError, match=r"did not start .* two tries.*timed out.*less busy"),
        cluster.connected(Resources(), told.append),
    ):
        pass
    assert len(set(ray_init)) == 2
    assert any("trying once more" in doing for doing in told)
    assert list(tmp_path.iterdir()) == []


def test_start_that_fails_at_once_is_not_tried_again(ray_init: list[str], tmp_path: Path) -> None:
    with (
        pytest.raises(EngineError, match="could not be started on this machine"),
        cluster.connected(Resources()),
    ):
        pass
    assert len(ray_init) == 1
    assert list(tmp_path.iterdir()) == []


def test_slow_start_is_told_and_a_quick_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()
    told: list[str] = []

    def tell(doing: str) -> None:
        told.append(doing)
        heard.set()

    with cluster._told_when_slow(tell):
        pass
    assert told == []
    monkeypatch.setattr(cluster, "SLOW_SECONDS", 0.0)
    with cluster._told_when_slow(tell):
        assert heard.wait(10)
    assert told == ["Ray is slow to start on this busy machine; waiting"]


@pytest.mark.ray
def test_raylet_that_needs_longer_than_ray_waits_by_itself_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    told: list[str] = []
    stopped = threading.Thread(target=stop_raylet, args=(35,), daemon=True)
    stopped.start()
    with cluster.connected(Resources(), told.append) as joined:
        assert joined.address.startswith("127.0.0.1:")
        stopped.join()
    assert told == ["Ray is slow to start on this busy machine; waiting"]


def stop_raylet(seconds: float) -> None:
    """Stops this process's raylet for a time, as soon as there is one. Ray's own limit is 30 s."""
    while True:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if process.name() == "raylet":
                    process.suspend()
                    time.sleep(seconds)
                    process.resume()
                    return
        time.sleep(0.05)


def test_joined_cluster_whose_head_is_away_is_waited_for_and_dead_after_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, there = [1000.0], [True]

    def reach(address: str, seconds: float = 10) -> None:
        if not there[0]:
            raise ConnectionRefusedError

    monkeypatch.setattr(cluster.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cluster, "reach", reach)
    joined = cluster.Cluster("head:6379")
    for seconds in (*range(0, 100, 6), *range(100, 140, 6)):  # it answers, then is away for 38 s
        now[0], there[0] = 1000.0 + seconds, seconds < 100
        assert joined.dead() == ""
    there[0] = True
    now[0] += 6
    assert joined.dead() == ""
    there[0] = False
    now[0] += cluster.AWAY_SECONDS - 1
    assert joined.dead() == ""
    now[0] += 6
    assert joined.dead() == "head:6379 has refused connections for 45 s"

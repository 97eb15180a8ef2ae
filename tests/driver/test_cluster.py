"""Joining a cluster, and how many phases fit on one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from xstilts.driver import cluster
from xstilts.errors import EngineError
from xstilts.sources.reach import Reach
from xstilts.spec.sweep import Resources


@pytest.fixture
def resources(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the connected cluster has; no cluster is started."""
    have: dict[str, float] = {}
    monkeypatch.setattr(cluster.ray, "cluster_resources", lambda: have)
    return have


@pytest.mark.parametrize(
    ("have", "asked", "fits"),
    [
        ({"CPU": 8}, {}, 8),
        ({"CPU": 8}, {"cpus_per_worker": 3}, 2),
        ({"CPU": 8}, {"slots": 5}, 5),
        ({"CPU": 8}, {"slots": 20}, 8),
        ({"CPU": 64, "GPU": 4}, {"gpus_per_worker": 1}, 4),
        ({"CPU": 64, "GPU": 4}, {"gpus_per_worker": 0.5}, 8),
        ({"CPU": 64, "GPU": 4, "trial_slot": 64}, {"workers": 2, "gpus_per_worker": 1}, 2),
    ],
)
def test_slots_are_the_phases_that_fit_at_the_same_time(
    resources: dict[str, float], have: dict[str, float], asked: dict[str, float], fits: int
) -> None:
    resources.update(have)
    assert cluster.slots(Resources.model_validate(asked)) == fits


def test_slots_where_no_phase_fits_name_what_there_is_and_what_one_asks_for(
    resources: dict[str, float],
) -> None:
    resources.update(CPU=4)
    with pytest.raises(EngineError, match=r"has 4 CPUs and 0 GPUs; one phase asks for 1 x 1 CPUs"):
        cluster.slots(Resources(gpus_per_worker=1))


def test_slots_of_several_workers_need_the_resource_on_which_their_trials_wait(
    resources: dict[str, float],
) -> None:
    resources.update(CPU=8)
    with pytest.raises(EngineError, match=r'no `trial_slot` resource.*\{"trial_slot": 64\}'):
        cluster.slots(Resources(workers=2))


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
    monkeypatch.setattr(cluster, "_reach", reach)
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

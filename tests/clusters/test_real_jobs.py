"""Sweeps as jobs of a real head with dashboard and token, submitted from this machine.

The nodes and the driver see nothing of this process but what was sent: the head was started before,
with an environment of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.default_signals import default_signals
from tests.support.ray_head import RayHead, ray_head
from tests.support.tiny import make_sweep
from xstilts.errors import InputError

pytestmark = pytest.mark.ray
LONG = {
    "lr": 0.001,
    "steps": 6000,
    "batch_size": 8,
    "max_length_tokens": 16,
    "eval_every_steps": 1000,
}
SECRETS = ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "MLFLOW_TRACKING_PASSWORD")


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Iterator[RayHead]:
    """A head, whose token is in this environment beside secrets that the head does not have."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with ray_head() as started:
        monkeypatch.setenv("RAY_AUTH_TOKEN", started.token)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # goes with the job, which names it once only
        for name in SECRETS:
            monkeypatch.setenv(name, "hush-hush-hush")
        yield started


def small(folder: Path, name: str = "toy", **changes: Any) -> Path:
    """A sweep of one seed and one trial on two slots."""
    return make_sweep(folder, name, seeds=[1], **{"search": {"trials": 1}, **changes})


def wait_for(condition: Callable[[], Any], seconds: float = 180) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def test_sweep_is_submitted_joined_watched_and_carried_on(head: RayHead, tmp_path: Path) -> None:
    file, name = small(tmp_path, intermediates=["none"]), head.dashboard
    state = xstilts.submit(file, address=head.gcs, wait=False)
    assert (state.job, state.state) == ("toy-v1-1", "running")

    again = xstilts.submit(file, address=name, wait=False)
    assert (again.job, again.joined) == ("toy-v1-1", True)

    lines: list[str] = []
    ended = xstilts.logs("toy", address=name, follow=True, log=lines.append)
    assert (ended.state, ended.exit_code) == ("done", 0), "\n".join(lines)
    counts = xstilts.status(file)
    assert lines[0].startswith("[0 s] ")
    assert ended.last.endswith(f"{counts.total} done of {counts.total}")
    assert not any(head.token in line or "hush" in line for line in lines)
    assert counts.counts["done"] == counts.total

    lines.clear()
    began = time.monotonic()
    second = xstilts.submit(file, address=name, log=lines.append)
    assert (second.job, second.state, second.joined) == ("toy-v1-2", "done", False)
    assert "0 phases run" in "\n".join(lines) and time.monotonic() - began < 60
    assert xstilts.job_status(file, address=name).job == "toy-v1-2"

    from xstilts.clusters.dashboard import Dashboard

    listed = repr(Dashboard(name, head.token)._json("GET", "/api/jobs/"))
    assert head.token not in listed and "hush" not in listed
    with pytest.raises(InputError, match="does not take the token"):
        Dashboard(name, "another").jobs()


# -- the long ones


@pytest.mark.slow
def test_sweep_that_is_stopped_goes_on_from_partial_checkpoints_to_the_same_scores(
    head: RayHead, tmp_path: Path
) -> None:
    changes = {
        "intermediate": dict(LONG),
        "target": dict(LONG),
        "resources": {"slots": 2, "partial_every_seconds": 1},
    }
    undisturbed = small(tmp_path / "one", "toy", **changes)
    xstilts.submit(undisturbed, address=head.dashboard, log=lambda line: None)
    file = small(tmp_path / "two", "toy", **{**changes, "version": 2})
    xstilts.submit(file, address=head.dashboard, wait=False)
    store = tmp_path / "two/store"
    wait_for(lambda: any(any(p.iterdir()) for p in store.glob("phases/*/partial")))
    stopped = xstilts.stop(file, address=head.dashboard)
    assert stopped.state == "stopped" and "the same command carries on" in _log(head, stopped.job)
    assert any(any(p.iterdir()) for p in store.glob("phases/*/partial"))

    ended = xstilts.submit(file, address=head.dashboard, log=lambda line: None)
    assert (ended.job, ended.state) == ("toy-v2-2", "done")
    assert _values(file) == _values(undisturbed)


@pytest.mark.slow
def test_watcher_that_leaves_with_ctrl_c_leaves_the_sweep_running(
    head: RayHead, tmp_path: Path
) -> None:
    file = small(tmp_path)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "xstilts", "submit", str(file), "--address", head.dashboard],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert watcher.stdout is not None and watcher.stdout.readline().startswith("[0 s] ")
    watcher.send_signal(signal.SIGINT)
    _, said = watcher.communicate(timeout=60)
    assert watcher.returncode == 130 and "the sweep goes on; `xstilts logs toy-v1-1" in said
    ended = xstilts.logs(file, address=head.dashboard, follow=True, log=lambda line: None)
    assert ended.state == "done" and ended.job == "toy-v1-1"


@pytest.mark.slow
def test_sweep_goes_on_where_its_head_was_killed_and_another_one_started(
    head: RayHead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        "intermediate": dict(LONG),
        "target": dict(LONG),
        "resources": {"slots": 2, "partial_every_seconds": 1},
    }
    file = small(tmp_path, "toy", **changes)
    xstilts.submit(file, address=head.dashboard, wait=False)
    store = tmp_path / "store"
    wait_for(lambda: any(any(p.iterdir()) for p in store.glob("phases/*/partial")))
    head.kill()
    with ray_head() as new:
        monkeypatch.setenv("RAY_AUTH_TOKEN", new.token)
        lines: list[str] = []
        ended = xstilts.submit(file, address=new.dashboard, log=lines.append)
        assert ended.state == "done", f"{ended}\n" + "\n".join(lines)
        assert xstilts.status(file).counts["done"] == 5


@pytest.mark.slow
def test_job_whose_driver_was_killed_is_carried_on_by_the_next_one(
    head: RayHead, tmp_path: Path
) -> None:
    import psutil

    changes = {
        "intermediate": dict(LONG),
        "target": dict(LONG),
        "resources": {"slots": 2, "partial_every_seconds": 1},
    }
    file = small(tmp_path, "toy", **changes)
    xstilts.submit(file, address=head.dashboard, wait=False)
    store = tmp_path / "store"
    wait_for(lambda: any(any(p.iterdir()) for p in store.glob("phases/*/partial")))
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if ".xstilts-start.py" in words and str(store) in words:
            process.kill()
    dead = wait_for(lambda: _ended(head, file))
    assert dead.state == "failed"
    ended = xstilts.submit(file, address=head.dashboard, log=lambda line: None)
    assert (ended.job, ended.state) == ("toy-v1-2", "done")


def _ended(head: RayHead, file: Path) -> Any:
    state = xstilts.job_status(file, address=head.dashboard)
    return state if state.state not in ("running", "waiting") else None


def _log(head: RayHead, job: str) -> str:
    lines: list[str] = []
    xstilts.logs(job, address=head.dashboard, log=lines.append)
    return "\n".join(lines)


def _values(file: Path) -> list[str]:
    """Every score of a sweep."""
    keys = ["intermediate", "target", "seed", "role", "language", "split", "metric", "value"]
    return sorted(map(repr, xstilts.scores(file)[keys].itertuples(index=False)))


@pytest.mark.slow
def test_job_that_a_restarted_head_lists_as_running_is_known_as_lost_and_carried_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "gcs"
    changes = {
        "intermediate": dict(LONG),
        "target": dict(LONG),
        "resources": {"slots": 2, "partial_every_seconds": 1},
    }
    file = small(tmp_path, "toy", **changes)
    with ray_head(RAY_gcs_storage="rocksdb", RAY_gcs_storage_path=str(kept)) as head:
        monkeypatch.setenv("RAY_AUTH_TOKEN", head.token)
        xstilts.submit(file, address=head.dashboard, wait=False)
        store = tmp_path / "store"
        wait_for(lambda: any(any(p.iterdir()) for p in store.glob("phases/*/partial")))
        head.kill()
        head.start()
        # until the head knows that its former node is dead, the supervisor counts as alive
        found = wait_for(lambda: _ended(head, file))
        assert found.state in ("lost", "failed")  # the latter where Ray has noticed it, too
        ended = xstilts.submit(file, address=head.dashboard, log=lambda line: None)
        assert (ended.job, ended.state) == ("toy-v1-2", "done")


@pytest.mark.slow
def test_sweep_of_a_cluster_of_two_nodes_runs_where_the_cpus_are_and_its_driver_on_the_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small(tmp_path, intermediates=["none"])
    with ray_head(cpus=0) as head:
        monkeypatch.setenv("RAY_AUTH_TOKEN", head.token)
        head.add_node(cpus=2)
        with pytest.raises(InputError, match="has 2 nodes, which must all reach it"):
            xstilts.submit(file, address=head.dashboard, store="store")
        lines: list[str] = []
        ended = xstilts.submit(file, address=head.dashboard, log=lines.append)
        assert ended.state == "done", f"{ended}\n" + "\n".join(lines)
        assert list((tmp_path / "store").glob(".seen-by-all-*")) == []

"""The verbs about jobs: what goes to which stream, exit codes, leaving with Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.default_signals import default_signals
from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from tests.support.tiny import make_sweep
from xstilts.cli.main import app


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDashboard]:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    with fake_dashboard() as fake:
        monkeypatch.setenv("RAY_ADDRESS", fake.url)
        yield fake


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_sweep(tmp_path, "demo")


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_submit_prints_the_log_and_ends_with_the_jobs_exit_code(
    cluster: FakeDashboard, file: Path
) -> None:
    cluster.says += "[1 s] 5 done of 5\n"
    for code in (0, 1, 2):
        cluster.exits = [code]
        done = invoke("submit", file)
        assert done.exit_code == code
        assert "[1 s] 5 done of 5" in done.stdout and ".xstilts-start" not in done.stdout
    assert "job demo-v1-3" in done.stderr


def test_submit_with_json_gives_one_value_and_the_log_beside_it(
    cluster: FakeDashboard, file: Path
) -> None:
    cluster.says += "[1 s] 5 done of 5\n"
    cluster.exits = [0]
    done = invoke("submit", file, "--json")
    assert json.loads(done.stdout)["state"] == "done" and "[1 s]" in done.stderr


def test_submit_without_waiting_says_where_the_job_is(cluster: FakeDashboard, file: Path) -> None:
    done = invoke("submit", file, "--no-wait")
    assert done.exit_code == 0 and "demo-v1-1: running" in done.stdout
    again = invoke("submit", file, "--no-wait")
    assert "demo-v1-1 runs already" in again.stderr


def test_status_with_an_address_is_that_of_the_job(cluster: FakeDashboard, file: Path) -> None:
    invoke("submit", file, "--no-wait")
    shown = invoke("status", "demo", "--address", cluster.url)
    assert "demo-v1-1: running" in shown.stdout
    value = json.loads(invoke("status", file, "--address", cluster.url, "--json").stdout)
    assert value["job"] == "demo-v1-1"


def test_status_of_a_name_is_looked_for_on_the_cluster_that_there_is(
    cluster: FakeDashboard, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("submit", file, "--no-wait")
    monkeypatch.chdir(file.parent)
    assert "demo-v1-1: running" in invoke("status", "demo").stdout  # by RAY_ADDRESS
    assert "nothing has been run yet" in invoke("status", file).stderr  # a file is its store's
    (file.parent / "demo").mkdir()
    assert "demo-v1-1" not in invoke("status", "demo").stdout
    monkeypatch.delenv("RAY_ADDRESS")
    assert "demo-v2: " in invoke("status", "demo-v2").stderr


def test_stop_says_how_the_job_ended_and_what_carries_on(
    cluster: FakeDashboard, file: Path
) -> None:
    invoke("submit", file, "--no-wait")
    done = invoke("stop", "demo")
    assert done.exit_code == 0 and "demo-v1-1: stopped" in done.stdout
    assert "`xstilts submit` of the same sweep carries on from here" in done.stdout


def test_job_says_how_long_it_has_run_and_a_failed_one_why(
    cluster: FakeDashboard, file: Path
) -> None:
    cluster.says += "[1 s] 3 done of 5\nerror: the store is full\n"
    cluster.exits = [1]
    shown = invoke("submit", file, "--no-wait").stdout
    assert shown.startswith("demo-v1-1: failed with exit code 1 after 1 s\n")
    assert "\n  error: the store is full\n  `xstilts logs demo-v1-1` shows why\n" in shown
    invoke("submit", file, "--no-wait")
    cluster.jobs["demo-v1-2"]["start_time"] = 1000 * (time.time() - 7500)
    assert invoke("status", "demo").stdout.startswith("demo-v1-2: running for 2 h 05 min\n")
    assert invoke("stop", "demo").stdout.startswith("demo-v1-2: stopped")


def test_logs_prints_the_lines_alone(cluster: FakeDashboard, file: Path) -> None:
    cluster.says += "one\ntwo\n"
    invoke("submit", file, "--no-wait")
    assert invoke("logs", "demo").stdout == "one\ntwo\n"
    threading.Timer(0.2, cluster.end, ["demo-v1-1"]).start()
    followed = invoke("logs", "demo", "--follow").stdout
    assert followed.startswith("one\ntwo\ndemo-v1-1: done")


def test_sweep_that_has_no_job_is_an_error_of_the_user(cluster: FakeDashboard) -> None:
    done = invoke("stop", "nothing")
    assert done.exit_code == 2 and "no job of a sweep `nothing`" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_watcher_that_leaves_is_told_how_to_come_back_and_the_job_goes_on(
    cluster: FakeDashboard, file: Path, number: signal.Signals, code: int
) -> None:
    cluster.says += "[0 s] starting Ray\n"
    watcher = subprocess.Popen(
        [sys.executable, "-m", "xstilts", "submit", str(file), "--address", cluster.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=default_signals,
    )
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "[0 s] starting Ray\n"
    watcher.send_signal(number)
    _, said = watcher.communicate(timeout=30)
    assert watcher.returncode == code
    assert (
        f"the sweep goes on; `xstilts logs demo-v1-1 --follow --address {cluster.url}` watches it, "
        f"`xstilts stop demo-v1-1 --address {cluster.url}` ends it" in said
    )
    assert "Traceback" not in said and cluster.supervisors == {"demo-v1-1"}


def test_sweep_from_python_is_run_as_the_value_that_it_is(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xstilts
    from xstilts import api

    sweep = xstilts.load(file)
    value = file.with_suffix(".json")
    value.write_text(sweep.model_dump_json())
    ran: list[object] = []

    def run(given: object, **more: object) -> None:
        ran.append((given, more["store"]))
        raise xstilts.InputError("far enough")

    monkeypatch.setattr(api, "run", run)
    assert invoke("run-value", value, "--store", "/there").exit_code == 2
    assert ran == [(sweep, "/there")]

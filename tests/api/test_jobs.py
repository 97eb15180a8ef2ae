"""Sweeps as jobs, from Python: what is sent, and how a job stands."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import xstilts
from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from tests.support.tiny import make_sweep
from xstilts.api import jobs
from xstilts.errors import InputError
from xstilts.spec.sweep import Sweep


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


def test_submit_runs_the_sweep_in_the_store_and_with_the_tracking_that_are_given(
    cluster: FakeDashboard, file: Path
) -> None:
    state = xstilts.submit(
        file, store="s3://bucket/store", tracking="http://mlflow:5000", wait=False
    )
    assert (state.job, state.state, state.joined) == ("demo-v1-1", "running", False)
    (body,) = cluster.bodies
    entry = body["entrypoint"]
    assert entry.startswith(f"python3 .xstilts-start.py {state.version} run demo.yaml ")
    assert "--store s3://bucket/store --tracking http://mlflow:5000 " in entry
    assert state.store == "s3://bucket/store"


def test_submit_asks_the_job_for_dropped_checkpoints_and_says_where_one_lives_already(
    cluster: FakeDashboard, file: Path
) -> None:
    asked, told = ["local/tiny/none>topic/t0"], list[str]()
    for _ in range(2):
        xstilts.submit(file, store="s3://bucket/store", remake=asked, wait=False, tell=told.append)
    (body,) = cluster.bodies
    assert " --remake 'local/tiny/none>topic/t0'" in body["entrypoint"]
    assert [one for one in told if one.startswith("nothing is made again: that job was begun")]


def test_submit_with_wait_gives_the_log_and_returns_how_the_job_ended(
    cluster: FakeDashboard, file: Path
) -> None:
    lines: list[str] = []

    def begun(job: str, joined: bool) -> None:
        cluster.logs[job] += "[0 s] starting Ray\n7 s: 4 done, 1 failed of 5\nnext: look\n"
        threading.Timer(0.2, cluster.end, [job, "FAILED", 1]).start()

    state = xstilts.submit(file, log=lines.append, begun=begun)
    assert lines == ["[0 s] starting Ray", "7 s: 4 done, 1 failed of 5", "next: look"]
    assert (state.state, state.exit_code, state.last) == ("failed", 1, lines[1])


def test_submit_of_a_sweep_made_in_python_sends_it_whole(
    cluster: FakeDashboard, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = xstilts.load(file)
    monkeypatch.chdir(file.parent)
    xstilts.submit(sweep, wait=False)
    assert " run-value demo.json --store " in cluster.bodies[0]["entrypoint"]
    package = cluster.bodies[0]["runtime_env"]["working_dir"].removeprefix("gcs://")
    with zipfile.ZipFile(io.BytesIO(cluster.packages[package])) as archive:
        assert Sweep.model_validate_json(archive.read("demo.json")) == sweep
        assert "rows/topic.en.train.jsonl" in archive.namelist()


@pytest.mark.parametrize("store", ["store", "~/store"])
def test_store_that_the_nodes_cannot_share_is_refused_before_anything_is_sent(
    cluster: FakeDashboard, file: Path, store: str
) -> None:
    cluster.nodes = 3
    with pytest.raises(InputError, match=rf"store is {store}.*has 3 nodes.*s3://BUCKET/PREFIX"):
        xstilts.submit(file, store=store)
    assert cluster.bodies == [] and cluster.packages == {}


def test_store_of_a_cluster_of_one_machine_is_named_in_full(
    cluster: FakeDashboard, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    told: list[str] = []
    state = xstilts.submit(file, store="mine", wait=False, tell=told.append)
    assert state.store == str(file.parent / "mine")
    assert f"the store is {file.parent / 'mine'} on the cluster's machine" in told


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("store", "s3://me:hush@bucket/x"),
        ("mirror", "s3://me:hush@bucket/x"),
        ("tracking", "http://me:hush@host/x"),
        ("tracking", "http://host/x?token=hush"),
    ],
)
def test_address_with_a_password_is_refused_before_anything_is_sent(
    cluster: FakeDashboard, file: Path, place: str, address: str
) -> None:
    for given in (file, xstilts.load(file)):
        with pytest.raises(InputError, match=r"credentials|password") as error:
            xstilts.submit(given, wait=False, **{place: address})  # type: ignore[arg-type]
        assert "hush" not in str(error.value)
    assert cluster.bodies == []


def test_state_of_a_job_is_found_by_file_name_and_id(cluster: FakeDashboard, file: Path) -> None:
    xstilts.submit(file, wait=False)
    for given in (file, xstilts.load(file), "demo", "demo-v1", "demo-v1-1"):
        assert xstilts.job_status(given).job == "demo-v1-1"
    cluster.supervisors.clear()
    assert xstilts.job_status("demo").state == "lost"


def test_state_is_a_value_of_json(cluster: FakeDashboard, file: Path) -> None:
    value = json.loads(json.dumps(xstilts.submit(file, wait=False).to_json()))
    assert value["sweep"] == "demo v1" and value["ended"] is None


def test_stop_waits_for_the_end_and_says_how_far_the_sweep_came(
    cluster: FakeDashboard, file: Path
) -> None:
    xstilts.submit(file, wait=False)
    told: list[str] = []
    state = xstilts.stop("demo", tell=told.append)
    assert (state.state, state.last) == ("stopped", "stopped after 3 s: 1 done")
    assert told == ["demo-v1-1 was asked to end; its phases write what they have"]


def test_stop_of_a_job_that_has_ended_changes_nothing(cluster: FakeDashboard, file: Path) -> None:
    xstilts.submit(file, wait=False)
    cluster.end("demo-v1-1")
    told: list[str] = []
    assert xstilts.stop(file, tell=told.append).state == "done"
    assert told == []


def test_logs_are_those_of_the_newest_job_without_rays_own_lines(
    cluster: FakeDashboard, file: Path
) -> None:
    xstilts.submit(file, wait=False)
    cluster.end("demo-v1-1")
    xstilts.submit(file, wait=False)
    cluster.logs["demo-v1-2"] += "one\ntwo\n"
    lines: list[str] = []
    assert xstilts.logs(file, log=lines.append).job == "demo-v1-2"
    assert lines == ["one", "two"]


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (["[3 s] 0 done of 5", "next: look"], "[3 s] 0 done of 5"),
        (["2 h 05 min: 5 done of 5", "kept in x"], "2 h 05 min: 5 done of 5"),
        (["stopped after 2 min: 1 done", "bye"], "stopped after 2 min: 1 done"),
        (["[9 s] 1 done of 5", "error: no such file", "bye"], "error: no such file"),
        ([], ""),
    ],
)
def test_line_that_tells_how_far_a_sweep_is(lines: list[str], last: str) -> None:
    assert jobs._progress(lines) == last

"""A sweep is sent once: new, joined, carried on, refused, with its code where that is needed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from tests.support.sweeps import paper_grid as made
from xstilts.clusters import start
from xstilts.clusters.dashboard import Dashboard
from xstilts.clusters.jobs import described
from xstilts.clusters.package import Code, Package
from xstilts.clusters.sending import Sending, Sent, send
from xstilts.errors import EngineError, InputError


@pytest.fixture
def cluster() -> Iterator[FakeDashboard]:
    with fake_dashboard() as fake:
        yield fake


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    (tmp_path / "version.py").write_text("")
    sweep = made(name="demo")
    package = Package(sweep_file="demo.yaml", files={"demo.yaml": b"name: demo\n"})
    return Sending(
        sweep=sweep,
        package=package,
        code=Code(
            version="0.1.0", released=True, files={"xstilts/version.py": tmp_path / "version.py"}
        ),
        words=("run", "demo.yaml", "--store", "/my store"),
        metadata=described(sweep, {"rows.jsonl": "1"}, "0.1.0", "/my store"),
    )


class Sender:
    """Sends, and keeps what was told."""

    def __init__(self, cluster: FakeDashboard) -> None:
        self.cluster, self.told = cluster, list[str]()

    def __call__(self, sending: Sending) -> Sent:
        self.told.clear()
        return send(Dashboard(self.cluster.url, TOKEN), sending, self.told.append)


@pytest.fixture
def sent(cluster: FakeDashboard) -> Sender:
    return Sender(cluster)


def changed(sending: Sending, *, files: str = "1", code: str = "0.1.0", **sweep: Any) -> Sending:
    """The same sweep with something else."""
    other = made(name="demo", **sweep)
    return replace(
        sending,
        sweep=other,
        code=replace(sending.code, version=code),
        metadata=described(other, {"rows.jsonl": files}, code, "/my store"),
    )


def test_first_job_of_a_sweep_is_number_one_and_says_what_it_runs(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    assert sent(sending) == Sent(id="demo-v1-1", joined=False)
    (body,) = cluster.bodies
    assert body["entrypoint"] == (
        "python3 .xstilts-start.py 0.1.0 run demo.yaml --store '/my store'"
    )
    assert body["metadata"]["job_name"] == "demo v1"
    # any resource for the entrypoint would let the driver land off the head
    assert not any(key.startswith("entrypoint_") for key in body)
    assert set(body["runtime_env"]) == {"working_dir", "env_vars"}


def test_files_of_a_job_are_the_package_and_the_script_that_starts_it(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(sending)
    (name,) = cluster.packages
    assert cluster.bodies[0]["runtime_env"]["working_dir"] == f"gcs://{name}"
    with zipfile.ZipFile(io.BytesIO(cluster.packages[name])) as archive:
        assert archive.namelist() == [".xstilts-start.py", "demo.yaml"]
        assert archive.read(".xstilts-start.py") == Path(start.__file__).read_bytes()


def test_second_submit_joins_the_job_that_lives(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(sending)
    assert sent(sending) == Sent(id="demo-v1-1", joined=True)
    assert len(cluster.bodies) == 1


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "STOPPED"])
def test_second_submit_carries_on_where_the_job_has_ended(
    cluster: FakeDashboard, sent: Sender, sending: Sending, status: str
) -> None:
    sent(sending)
    cluster.end("demo-v1-1", status, None)
    assert sent(sending) == Sent(id="demo-v1-2", joined=False)
    assert sent.told == []  # the same files and code: nothing to say, nothing to upload


def test_job_that_was_lost_with_its_head_is_carried_on(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(sending)
    cluster.supervisors.clear()
    assert sent(sending) == Sent(id="demo-v1-2", joined=False)
    assert any("demo-v1-1 is listed as running, but nothing of it lives" in x for x in sent.told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": [7]}, "another plan .*seeds"),
        ({"files": "2"}, r"other files \(rows.jsonl changed\)"),
        ({"code": "0.2.0"}, r"another xstilts \(0.1.0 -> 0.2.0\)"),
    ],
)
def test_living_job_that_runs_something_else_is_not_joined(
    cluster: FakeDashboard, sent: Sender, sending: Sending, change: dict[str, Any], said: str
) -> None:
    sent(sending)
    with pytest.raises(InputError, match=f"demo-v1-1 runs demo v1 with {said}.*xstilts stop demo"):
        sent(changed(sending, **change))
    assert len(cluster.bodies) == 1


def test_other_files_and_code_than_those_of_the_last_job_are_said_before_it_runs(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(sending)
    cluster.end("demo-v1-1")
    sent(changed(sending, files="2", code="0.2.0"))
    assert sent.told[:2] == [
        "since demo-v1-1: rows.jsonl changed; phases that read these files are run again",
        "since demo-v1-1: another xstilts (0.1.0 -> 0.2.0); phases whose recipe has changed are "
        "run again",
    ]


def test_code_that_is_no_release_is_sent_and_that_is_said(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(replace(sending, code=replace(sending.code, version="0.1.0+1f", released=False)))
    (uri,) = cluster.bodies[0]["runtime_env"]["py_modules"]
    with zipfile.ZipFile(io.BytesIO(cluster.packages[uri.removeprefix("gcs://")])) as archive:
        assert archive.namelist() == ["xstilts/version.py"]
    assert sent.told[0] == "xstilts 0.1.0+1f is no released version: it is sent with the job"


def test_cluster_with_another_version_gets_the_code_with_the_next_job(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    cluster.says = "this cluster has xstilts 0.0.9; the sweep was submitted with xstilts 0.1.0\n"
    cluster.exits = [start.OTHER_VERSION, 0]
    assert sent(sending) == Sent(id="demo-v1-2", joined=False)
    assert ["py_modules" in body["runtime_env"] for body in cluster.bodies] == [False, True]
    assert any(x == f"{cluster.says.strip()}: it is sent with the job" for x in sent.told)


def test_id_of_a_deleted_job_is_passed_over(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    cluster.taken = {"demo-v1-1", "demo-v1-2"}
    assert sent(sending).id == "demo-v1-3"


def test_cluster_that_starts_nothing_is_an_error(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    cluster.taken = {f"demo-v1-{n}" for n in range(9)}
    with pytest.raises(EngineError, match="no job of demo-v1 could be started in 5 tries"):
        sent(sending)


def test_secrets_of_the_submitter_and_the_token_are_in_nothing_that_is_sent(
    cluster: FakeDashboard, sent: Sender, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    sent(sending)
    text = repr(cluster.bodies)
    assert "hush" not in text and TOKEN not in text
    assert cluster.bodies[0]["runtime_env"]["env_vars"]["HF_HUB_OFFLINE"] == "1"


def test_other_plan_and_store_than_those_of_the_last_job_are_said_and_left_to_the_run(
    cluster: FakeDashboard, sent: Sender, sending: Sending
) -> None:
    sent(sending)
    cluster.end("demo-v1-1", "FAILED", 2)
    other = changed(sending, seeds=[7])
    other = replace(other, metadata={**other.metadata, "xstilts_store": "s3://bucket"})
    assert sent(other) == Sent(id="demo-v1-2", joined=False)
    plan, store = sent.told[:2]
    assert (
        plan.startswith("since demo-v1-1: another plan (seeds[0]: 1 -> 7)")
        and "raise `version`" in plan
    )
    assert store == (
        "since demo-v1-1: another store (/my store -> s3://bucket); what it lacks is run again"
    )

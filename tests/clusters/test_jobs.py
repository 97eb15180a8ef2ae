"""A sweep's jobs: their ids, which one is meant, which lives, what differs between two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from tests.support.sweeps import paper_grid as made
from xstilts.clusters import jobs
from xstilts.clusters.dashboard import Dashboard, Job
from xstilts.clusters.jobs import (
    CODE,
    SWEEP,
    VERSION,
    changes,
    described,
    jobs_of,
    lives,
    named,
    next_id,
)
from xstilts.errors import InputError


def job(name: str, sweep: str = "demo", version: int = 1, started: float = 0, **more: Any) -> Job:
    metadata = {SWEEP: sweep, VERSION: str(version)}
    return Job(id=name, metadata=metadata, started=started, **{"status": "SUCCEEDED", **more})


def test_id_is_the_sweep_its_version_and_a_number_that_was_never_used() -> None:
    assert next_id("demo", 2, []) == "demo-v2-1"
    used = [job("demo-v2-9"), job("demo-v2-10"), job("demo-v1-40"), job("other-demo-v2-50")]
    assert next_id("demo", 2, used) == "demo-v2-11"
    foreign = Job(id="demo-v2-12", status="FAILED")  # another program's, of the same form
    assert next_id("demo", 2, [*used, foreign]) == "demo-v2-13"


def test_jobs_of_a_sweep_are_those_of_its_name_and_version_newest_last() -> None:
    every = [
        job("demo-v1-2", started=20),
        job("demo-v1-1", started=10),
        job("demo-v2-1", version=2, started=30),
        Job(id="demo-v1-3", status="RUNNING"),
    ]
    assert [one.id for one in jobs_of(every, "demo", 1)] == ["demo-v1-1", "demo-v1-2"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("demo", "demo-v2-1"), ("demo-v1", "demo-v1-2"), ("demo-v1-1", "demo-v1-1")],
)
def test_job_is_named_by_its_sweep_a_version_or_its_id(name: str, meant: str) -> None:
    every = [
        job("demo-v1-1", started=10),
        job("demo-v1-2", started=20),
        job("demo-v2-1", version=2, started=30),
    ]
    assert named(every, name).id == meant


def test_name_that_no_job_has_gets_the_nearest_ones() -> None:
    with pytest.raises(InputError, match="no job of a sweep `dmo`; nearest: demo"):
        named([job("demo-v1-1")], "dmo")
    with pytest.raises(InputError, match="no sweep was submitted to it since its head was started"):
        named([Job(id="demo", status="RUNNING")], "demo")


# -- which lives


@pytest.fixture
def cluster() -> Iterator[FakeDashboard]:
    with fake_dashboard() as fake:
        yield fake


def test_job_that_is_listed_as_running_lives_only_with_its_supervisor(
    cluster: FakeDashboard,
) -> None:
    asked = Dashboard(cluster.url, TOKEN)
    asked.submit("demo-v1-1", "true", {}, {})
    assert lives(asked, asked.job("demo-v1-1"))
    cluster.supervisors.clear()
    assert not lives(asked, asked.job("demo-v1-1"))


def test_job_that_waits_to_begin_gets_time_for_its_supervisor(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PENDING_SECONDS", 0.0)
    asked = Dashboard(cluster.url, TOKEN)
    asked.submit("demo-v1-1", "true", {}, {})
    cluster.jobs["demo-v1-1"]["status"] = "PENDING"
    assert lives(asked, asked.job("demo-v1-1"))
    cluster.supervisors.clear()
    assert not lives(asked, asked.job("demo-v1-1"))


# -- what differs


def test_metadata_are_texts_that_name_the_sweep_its_plan_and_the_store() -> None:
    found = described(made(), {"rows/a.jsonl": "1f"}, "0.1.0", "s3://bucket/store")
    assert all(isinstance(value, str) for value in found.values())
    assert found["xstilts_store"] == "s3://bucket/store" and found[CODE] == "0.1.0"
    assert len(found["xstilts_plan_digest"]) == 24


def test_equal_submissions_differ_in_nothing() -> None:
    one = described(made(), {"a": "1"}, "0.1.0", "/store")
    two = described(made(description="more words"), {"a": "1"}, "0.1.0", "/store")
    assert changes(one, two).words() == []


def test_another_plan_other_files_and_another_code_are_each_said() -> None:
    before = described(made(), {"a": "1", "b": "1"}, "0.1.0", "/store")
    now = described(made(seeds=[1, 2, 3, 4]), {"a": "2", "c": "1"}, "0.2.0", "/other")
    found = changes(before, now)
    assert "seeds" in found.plan
    assert found.files == "a changed, b gone, c new"
    assert found.code == "0.1.0 -> 0.2.0"
    assert found.store == "/store -> /other"
    assert len(found.words()) == 4


def test_metadata_of_another_program_differ_and_break_nothing() -> None:
    found = changes({"xstilts_plan": "??", "xstilts_files": "x"}, described(made(), {}, "1", "/s"))
    assert found.plan and found.code and not found.files

"""A job's log: whole lines, each once, through broken connections, until it ends or is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from xstilts.clusters import following
from xstilts.clusters.dashboard import Away, Dashboard
from xstilts.clusters.following import Lines, follow, sweeps_lines
from xstilts.errors import EngineError

NAME = "demo-v1-1"


@pytest.fixture
def cluster() -> Iterator[FakeDashboard]:
    with fake_dashboard() as fake:
        Dashboard(fake.url, TOKEN).submit(NAME, "true", {}, {})
        yield fake


@given(st.lists(st.text("ab \n", max_size=5), max_size=12), st.integers(0, 12), st.integers(0, 40))
def test_lines_are_told_once_however_the_text_is_cut_and_begun_anew(
    pieces: list[str], after: int, cut: int
) -> None:
    text, told = "".join(pieces), list[str]()
    lines = Lines(told.append)
    for piece in pieces[:after]:
        lines.take(piece)
    lines.again()
    for piece in (text[:cut], text[cut:]):
        lines.take(piece)
    lines.end()
    assert told == (text.removesuffix("\n").split("\n") if text else [])


def test_lines_that_ray_writes_of_the_job_are_left_out() -> None:
    log = (
        "2026-11-28 10:10:06,370\tINFO job_manager.py:581 -- Runtime env is setting up.\n"
        "Running entrypoint for job demo-v1-1: python3 .xstilts-start.py 0.1.0 run demo.yaml\n"
        "this job runs xstilts 0.1.0 on head\n"
        "[0 s] starting Ray\nerror: \x1b[31mred"
    )
    assert sweeps_lines(log) == ["[0 s] starting Ray", r"error: \x1b[31mred"]


def test_follow_returns_the_job_that_has_ended(cluster: FakeDashboard) -> None:
    told: list[str] = []
    cluster.logs[NAME] = "[0 s] starting\n"
    threading.Timer(0.3, cluster.end, [NAME, "FAILED", 2]).start()
    job = follow(Dashboard(cluster.url, TOKEN), NAME, told.append)
    assert (job.status, job.exit_code, told) == ("FAILED", 2, ["[0 s] starting"])


def test_follow_goes_on_where_the_connection_breaks(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.01)
    cluster.logs[NAME], cluster.breaks = "one\ntwo\n", 3
    told, said = list[str](), list[str]()

    def log(line: str) -> None:
        told.append(line)
        cluster.logs[NAME] += "three\n" if line == "two" else ""

    threading.Timer(0.8, cluster.end, [NAME]).start()
    follow(Dashboard(cluster.url, TOKEN), NAME, log, said.append)
    assert told == ["one", "two", "three"] and said == []


def test_follow_gives_up_where_the_cluster_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(following, "AWAY_SECONDS", 0.05)
    said: list[str] = []
    with pytest.raises(Away, match="answers there"):
        follow(Dashboard("http://127.0.0.1:1", TOKEN), NAME, lambda line: None, said.append)
    (once,) = said
    assert once.endswith("trying on, the job is not touched by that")


def test_job_whose_log_breaks_off_because_it_is_lost_is_not_waited_for(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "STATUS_SECONDS", 0.05)
    cluster.supervisors.clear()
    cluster.breaks = 100
    with pytest.raises(EngineError, match="nothing of it lives"):
        follow(Dashboard(cluster.url, TOKEN), NAME, lambda line: None)


def test_job_without_a_supervisor_that_is_listed_as_running_is_lost(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "STATUS_SECONDS", 0.05)
    cluster.supervisors.clear()
    with pytest.raises(EngineError, match="nothing of it lives: its cluster's head has died"):
        follow(Dashboard(cluster.url, TOKEN), NAME, lambda line: None)

"""Runs in one transaction: the same rows as without, few commits, and nobody waits for long."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.tracking.world import World, everything
from xstilts.store.sqlite_address import sqlite_path
from xstilts.tracking import tracker, transactions
from xstilts.tracking.server import connect
from xstilts.tracking.transactions import together


def _database(world: World) -> list[Any]:
    """How many rows each table that a sync fills has."""
    tables = ("runs", "tags", "params", "metrics", "latest_metrics", "logged_models", "inputs")
    with closing(sqlite3.connect(sqlite_path(world.uri))) as database:
        return [
            (table, database.execute(f"SELECT count(*) FROM {table}").fetchone())
            for table in (*tables, "logged_model_metrics", "logged_model_tags", "datasets")
        ]


def test_sync_together_holds_what_it_holds_one_by_one(
    world: World, made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tracker().sync(world.entries)
    monkeypatch.setattr(tracker, "together", lambda client: nullcontext(transactions.Between()))
    plain = replace(world, uri=f"sqlite:///{world.store.path}/plain.db")
    shutil.copy(made[1], world.store.path / "plain.db")
    plain.tracker().sync(plain.entries)
    assert everything(world) == everything(plain)
    assert _database(world) == _database(plain)


def test_sync_commits_seldom(world: World) -> None:
    connect(world.uri)
    counts: Counter[str] = Counter()

    def count(*_: Any) -> None:
        counts.update(["commits"])

    event.listen(Engine, "commit", count)
    try:
        sent = world.tracker().sync(world.entries)
    finally:
        event.remove(Engine, "commit", count)
    assert sent > 5
    assert counts["commits"] < sent


def test_together_commits_when_a_second_has_passed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LONGEST_SECONDS", -1.0)
    client = connect(world.uri)
    with together(client) as between:
        client.create_experiment("a")
        between()
        with closing(sqlite3.connect(sqlite_path(world.uri))) as other:
            found = other.execute("SELECT count(*) FROM experiments WHERE name = 'a'").fetchone()
        assert found == (1,)
        client.create_experiment("b")
    assert client.get_experiment_by_name("b") is not None


def test_together_that_ends_in_an_error_keeps_nothing_and_the_client_goes_on(world: World) -> None:
    client = connect(world.uri)
    with pytest.raises(RuntimeError), together(client):
        client.create_experiment("a")
        raise RuntimeError
    assert client.get_experiment_by_name("a") is None
    client.create_experiment("a")
    assert client.get_experiment_by_name("a") is not None


def test_together_a_refused_call_leaves_those_before_it(world: World) -> None:
    from mlflow.exceptions import MlflowException

    client = connect(world.uri)
    with together(client):
        experiment = client.create_experiment("a")
        run = client.create_run(experiment)
        client.log_param(run.info.run_id, "x", "1")
        with pytest.raises(MlflowException):
            client.log_param(run.info.run_id, "x", "2")
        client.log_metric(run.info.run_id, "m", 1.0, timestamp=1, step=1)
        client.log_metric(run.info.run_id, "m", 1.0, timestamp=1, step=1)
    there = client.get_run(run.info.run_id)
    assert there.data.params == {"x": "1"}
    assert [m.step for m in client.get_metric_history(run.info.run_id, "m")] == [1]


def test_together_leaves_a_server_as_it_is() -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient("http://127.0.0.1:9")
    with together(client) as between:
        between()

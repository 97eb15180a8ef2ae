"""New runs as rows: what the client's calls make, in every table; all else is the client's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer

from tests.tracking.world import World, everything
from xstilts.store.ledger import State
from xstilts.store.sqlite_address import sqlite_path
from xstilts.tracking import new_runs as module, tracker
from xstilts.tracking.mirrored import read_mirrored
from xstilts.tracking.new_runs import NewRuns, new_runs, ordinary
from xstilts.tracking.numbers import DataView, Point
from xstilts.tracking.run_view import RunView
from xstilts.tracking.server import connect
from xstilts.tracking.transactions import together

_MADE_UP = ("uuid", "model_id", "artifact", "timestamp_ms", "source_id", "destination_id", "_run_")
_MADE_UP += ("creation_time", "last_update_time")
"""Columns with ids that MLflow makes up, and times of writing."""


def _tables(uri: str) -> dict[str, list[str]]:
    """Each table's rows, with ids that MLflow makes up left out."""
    with closing(sqlite3.connect(sqlite_path(uri))) as database:
        database.row_factory = sqlite3.Row
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        tables = [name for name in names if name.isidentifier() and not name.startswith("sqlite")]
        return {
            name: sorted(str(_shown(dict(row))) for row in rows)
            for name in tables
            if name.islower() and (rows := _rows(database, name))
        }


def _rows(database: sqlite3.Connection, table: str) -> list[sqlite3.Row]:
    try:
        return list(database.execute(f"SELECT * FROM {table}"))
    except sqlite3.OperationalError:  # an index
        return []


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    made_up = row.get("key") in ("mlflow.parentRunId",) or str(row.get("key")).startswith("phases/")
    linked = row.get("tag_key") == "xstilts.parent_model" and row["tag_value"]
    return {
        name: value
        for name, value in row.items()
        if not any(part in name for part in _MADE_UP)
        and name != "run_id"
        and not (made_up and name in ("value", "timestamp"))
        and not (linked and name == "tag_value")
    }


@pytest.fixture
def plain(world: World, made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> World:
    """The same sweep in a second database, written by the client's calls."""
    shutil.copy(made[1], world.store.path / "plain.db")
    plain = replace(world, uri=f"sqlite:///{world.store.path}/plain.db")
    with monkeypatch.context() as patch:
        patch.setattr(tracker, "new_runs", lambda *_: None)
        plain.tracker().sync(plain.entries)
    return plain


def test_new_runs_fill_every_table_as_the_client_does(world: World, plain: World) -> None:
    world.tracker().sync(world.entries)
    rows, others = _tables(world.uri), _tables(plain.uri)
    assert rows.keys() == others.keys()
    assert {"metrics", "latest_metrics", "inputs", "logged_model_metrics"} <= rows.keys()
    for table in rows:
        assert rows[table] == others[table], table
    assert everything(world) == everything(plain)


def test_new_runs_link_runs_models_and_parents_as_the_client_does(
    world: World, plain: World
) -> None:
    world.tracker().sync(world.entries)
    assert _links(world) == _links(plain)


def _links(world: World) -> list[Any]:
    """The names of what each run is nested in, starts from and trained."""
    client, names, found = connect(world.uri), {}, []
    for run in world.runs():
        names[run.info.run_id] = run.info.run_name
    for run in map(client.get_run, names):
        models = [client.get_logged_model(one.model_id) for one in run.inputs.model_inputs]
        trained = [client.get_logged_model(one.model_id) for one in run.outputs.model_outputs]
        parent = names.get(run.data.tags.get("mlflow.parentRunId"))
        own = [(one.name, names[one.source_run_id], str(one.status)) for one in trained]
        found.append((run.info.run_name, parent, [one.name for one in models], own))
    return sorted(found, key=str)


def test_new_runs_written_in_part_are_completed_by_the_next_sync(
    world: World, plain: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = NewRuns._write

    def dies_at_the_fourth(self: NewRuns, *given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        write(self, *given)

    calls = 0
    monkeypatch.setattr("xstilts.tracking.transactions.LONGEST_SECONDS", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(NewRuns, "_write", dies_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            world.tracker().sync(world.entries)
    assert len(world.runs()) == 4
    assert world.tracker().sync(world.entries) > 0
    assert everything(world) == everything(plain)


def test_new_runs_share_a_dataset_that_the_client_has_just_made(world: World, plain: World) -> None:
    """A phase was sent before its data were known, so the client adds them, and new runs of the
    same transaction read them too.
    """
    evaluations = [one for one in world.entries if one.kind == "evaluate"]
    early = evaluations[0]
    hidden = world.store.path / "hidden"
    phase = Path(world.store.phase(early.phase).where)
    phase.rename(hidden)
    tracker = world.tracker()
    tracker.sync([early.model_copy(update={"state": State.RUNNING})])
    hidden.rename(phase)
    tracker = world.tracker()
    assert tracker.sync(world.entries) > len(evaluations)
    assert _tables(world.uri)["datasets"] == _tables(plain.uri)["datasets"]


def test_new_runs_asked_for_a_run_that_is_there_write_nothing(world: World) -> None:
    tracker = world.tracker()
    tracker.sync(world.entries)
    client = connect(world.uri)
    server = read_mirrored(client, client.get_experiment_by_name(tracker.experiment).experiment_id)
    run = next(run for run in tracker._view.runs(world.entries) if run.done)
    with together(client) as between:
        new = new_runs(between.connection, server)
        assert new is not None
        assert not new.write(run, ())


def test_new_runs_with_tables_of_another_version_are_left_to_the_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.db.base_sql_model import Base

    world.tracker().sync([])
    client = connect(world.uri)
    server = read_mirrored(client, client.get_experiment_by_name("test-sweep-v1").experiment_id)
    with together(client) as between:
        assert new_runs(between.connection, server) is not None
        known = {**module._TABLES, "runs": f"{module._TABLES['runs']} zone"}
        monkeypatch.setattr(module, "_TABLES", known)
        assert new_runs(between.connection, server) is None
        monkeypatch.undo()
        monkeypatch.setitem(module._TABLES, "no_such_table", Column("id", Integer).name)
        assert new_runs(between.connection, server) is None
    assert new_runs(None, server) is None
    assert "no_such_table" not in Base.metadata.tables


def _run(**changes: Any) -> RunView:
    run = RunView(
        key="p",
        name="run",
        status="FINISHED",
        started=1,
        ended=2,
        tags={"xstilts.key": "p"},
        params={"target.lr": "1e-05"},
        data=(DataView(name="a", digest="d", source_type="hub", source="{}", use="train"),),
    )
    return replace(run, **changes)


def _strange() -> Iterator[tuple[RunView, dict[str, str], list[Point]]]:
    good, number = _run(), Point(key="dev/best", value=1.0, time=1)
    yield good, {"a b": "x" * 5001}, [number]
    yield good, {"no/../way": ""}, [number]
    yield _run(params={"a": "x" * 6001}), {}, [number]
    yield _run(params={"tab\t": "1"}), {}, [number]
    yield _run(data=(replace(good.data[0], digest="d" * 37),)), {}, [number]
    yield good, {}, [replace(number, value=float("nan"))]
    yield good, {}, [replace(number, value=float("inf"))]
    yield good, {}, [replace(number, time=-1)]
    yield good, {}, [replace(number, key="/abs")]
    yield good, {}, [replace(number, key="a" * 251)]
    yield good, {}, [replace(number, scored=True), replace(number, scored=True, value=2.0)]


@pytest.mark.parametrize("case", [*_strange()], ids=range(11))
def test_ordinary_what_mlflow_would_change_or_refuse_is_not(case: Any) -> None:
    assert not ordinary(*case)


def test_ordinary_names_and_values_of_a_sweep_are() -> None:
    keys = ("score/udpos/zh-Hans/chunk_f1", "layers/a b/mean:1/f.1", "gain", "pair_gain/x/none")
    numbers = [Point(key=key, value=-0.5, time=0, scored=True) for key in keys]
    assert ordinary(_run(), {"xstilts.error": "x" * 5000, "empty": ""}, numbers)

"""A glance at MLflow's own SQLite file: it says yes only where a sync would send nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.worlds import environment
from tests.tracking.world import World
from xstilts.store.ledger import State
from xstilts.store.phases import Store
from xstilts.store.sqlite_address import sqlite_address
from xstilts.tracking.glance import held
from xstilts.tracking.pages import experiment_tags
from xstilts.tracking.server import connect
from xstilts.tracking.view import View


def glance(world: World) -> str | None:
    """What it says of the sweep as the ledger has it."""
    runs = View(world.sweep, world.store).runs(world.entries)
    name = f"{world.sweep.name}-v{world.sweep.version}"
    return held(world.uri, name, experiment_tags(world.sweep), runs)


def test_held_after_a_sync_and_not_before(world: World) -> None:
    assert glance(world) is None
    world.tracker().sync(world.entries)
    client = connect(world.uri)
    experiment = client.get_experiment_by_name(f"{world.sweep.name}-v{world.sweep.version}")
    assert glance(world) == experiment.experiment_id


def test_held_wherever_the_store_lies(world: World, tmp_path: Path) -> None:
    odd = world.store.path.rename(tmp_path / "100%20 ?#[v2] данные")
    uri = sqlite_address(odd / "mlflow.db")
    moved = replace(world, store=Store(odd), folder=next(Store(odd).sweeps()), uri=uri)
    moved.tracker().sync(moved.entries)
    assert glance(moved) is not None


def test_changed_ledger_is_not_held(world: World) -> None:
    from xstilts.store.ledger import Ledger

    world.tracker().sync(world.entries)
    ledger = Ledger(world.folder)
    failed = next(entry for entry in ledger.entries() if entry.state is State.FAILED)
    ledger.write(failed, error="another error")
    assert glance(world) is None


def _delete_run(world: World) -> None:
    connect(world.uri).delete_run(world.runs()[0].info.run_id)


def _change_tag(world: World) -> None:
    connect(world.uri).set_tag(world.runs()[0].info.run_id, "xstilts.sent", "half")


def _change_note(world: World) -> None:
    client = connect(world.uri)
    client.set_experiment_tag(world.runs()[0].info.experiment_id, "mlflow.note.content", "mine")


def _delete_experiment(world: World) -> None:
    connect(world.uri).delete_experiment(world.runs()[0].info.experiment_id)


@pytest.mark.parametrize("change", [_delete_run, _change_tag, _change_note, _delete_experiment])
def test_what_a_user_changed_in_mlflow_is_seen(
    change: Callable[[World], None], world: World
) -> None:
    world.tracker().sync(world.entries)
    change(world)
    assert glance(world) is None


def test_other_databases_and_servers_are_not_known(world: World, tmp_path: Path) -> None:
    runs = View(world.sweep, world.store).runs(world.entries)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE experiments (name TEXT)")
        other.commit()
    (tmp_path / "damaged.db").write_bytes(b"not a database" * 100)
    addresses = ["http://127.0.0.1:1", f"sqlite:///{tmp_path}/none.db"]
    addresses += [f"sqlite:///{tmp_path}/other.db", f"sqlite:///{tmp_path}/damaged.db"]
    assert [held(uri, "x-v1", {}, runs) for uri in addresses] == [None] * 4
    assert not (tmp_path / "none.db").exists()


def test_finished_sweep_is_mirrored_without_mlflow(world: World) -> None:
    world.tracker().sync(world.entries)
    program = f"""
import sys
from pathlib import Path
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.tracker import Tracker

folder = Path({str(world.folder)!r})
store = Store({str(world.store.path)!r})
tracker = Tracker({world.uri!r}, read_sweep(folder), store, folder)
assert tracker.sync(Ledger(folder).entries()) == 0
assert tracker.missing(Ledger(folder).entries()) == 0
assert "mlflow" not in sys.modules
print(tracker.page)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    tracker = world.tracker()
    tracker.sync(world.entries, everything=True)
    assert ran.stdout.strip() == tracker.page

"""Two real drivers of one sweep: one is stopped, another takes over, and the first awakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import xstilts
from tests.driver.test_board import board_of
from tests.driver.test_engine import LONG, partials, results, wait_for
from tests.support import leases
from tests.support.drives import drive_of
from tests.support.sweeps import small
from tests.support.tiny import make_sweep
from xstilts.driver import adapters, engine
from xstilts.errors import EngineError, LeaseLost
from xstilts.store.lease import Lease
from xstilts.store.ledger import State
from xstilts.store.owner import process_identity
from xstilts.store.phases import Store

pytestmark = pytest.mark.ray

SECONDS = 3
COMMAND = f"""
import sys
from xstilts.driver import engine
from xstilts.store import phases
phases.Store.lease.__defaults__ = ({SECONDS},)
engine.LEASE_SECONDS = {SECONDS}
from xstilts.cli.main import app
sys.argv = ["xstilts", "run", sys.argv[1], "--json"]
app()
"""
"""The command line, with short leases of the driver; those of the workers are as always."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[str]]]:
    """Drivers that must not outlive a test."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    drivers: list[subprocess.Popen[str]] = []
    yield drivers
    for driver in drivers:
        if driver.poll() is None:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.communicate()


def launch(file: Path) -> subprocess.Popen[str]:
    """A driver in a process of its own; its sweep names its mirror."""
    environment = {k: v for k, v in os.environ.items() if k != "XSTILTS_MIRROR"}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def finished(driver: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = driver.communicate(timeout=240)
    assert driver.returncode == 0, out[-2000:] + err[-3000:]
    return dict(json.loads(out))


def kept(folder: Path) -> dict[str, bytes]:
    """All files of a sweep."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SWEEP: dict[str, Any] = {
    "intermediates": ["first"],
    "intermediate": {**LONG, "steps": 4000},  # leases are renewed every 10 s: longer than that
    "seeds": [1],
    "resources": {"slots": 1, "partial_every_seconds": 0.2},
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of a run of the sweep that nobody disturbed."""
    file = make_sweep(tmp_path_factory.mktemp("whole"), **SWEEP)
    assert finished(launch(file))["failures"] == []
    return results(file)


def test_driver_that_was_stopped_and_lost_its_sweep_ends_and_touches_nothing(
    tmp_path: Path, started: list[subprocess.Popen[str]], undisturbed: dict[str, Any]
) -> None:
    file = make_sweep(tmp_path, **SWEEP)
    store, folder = tmp_path / "store", tmp_path / "store/sweeps/tiny-v1"
    first = launch(file)
    started.append(first)
    wait_for(lambda: partials(store))
    first.send_signal(signal.SIGSTOP)
    time.sleep(SECONDS)  # its lease runs out
    before = (folder / "ledger.jsonl").read_bytes()
    second = launch(file)
    started.append(second)
    wait_for(lambda: (folder / "ledger.jsonl").read_bytes() != before)

    second.send_signal(signal.SIGSTOP)  # so that whatever changes now is the first one's doing
    os.waitid(os.P_PID, second.pid, os.WSTOPPED)
    now = kept(folder)
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 1, out + err
    lines = [line for line in err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1 and "Traceback" not in err
    assert "sweep-tiny-v1: this process has lost its lease and ends: process" in err
    assert json.loads(out)["error"]["kind"] == "LeaseLost"
    assert kept(folder) == now
    lease: Lease = Store(store).lease("sweep-tiny-v1")
    assert f'"pid": {second.pid}' in (store / f"leases/{lease.name}.json").read_text()

    second.send_signal(signal.SIGCONT)
    outcome = finished(second)
    assert outcome["failures"] == [] and outcome["stopped"] == ""
    assert results(file) == undisturbed


def test_driver_whose_phase_another_took_over_stops_its_trial_and_waits(
    tmp_path: Path, started: list[subprocess.Popen[str]], undisturbed: dict[str, Any]
) -> None:
    file = make_sweep(tmp_path, **SWEEP)
    store = tmp_path / "store"
    driver = launch(file)
    started.append(driver)
    (partial_folder,) = wait_for(lambda: partials(store))
    phase = partial_folder.parent.name
    lease, workers = store / f"leases/{phase}.json", store / f"leases/worker-{phase}.json"
    assert workers.exists()
    me = {"pid": os.getpid(), "process": process_identity(os.getpid())}
    leases.change(lease, token="another", seconds=3600.0, **me)
    whose = lease.read_bytes()
    wait_for(lambda: not workers.exists())
    assert not Store(store).phase(phase).done and driver.poll() is None
    entries = {entry.phase: entry for entry in xstilts.status(file).entries}
    assert entries[phase].state is State.WAITING and entries[phase].attempts == 0
    assert lease.read_bytes() == whose
    lease.unlink()  # the other gives up
    outcome = finished(driver)
    assert outcome["failures"] == []
    assert outcome["started"] == 1 + xstilts.plan(file).to_json()["phases"]
    assert results(file) == undisturbed


def test_trial_whose_phase_another_driver_took_over_is_stopped_and_told_to_nobody(
    tmp_path: Path,
) -> None:
    board, store, _ = board_of(small(), tmp_path)
    drive = drive_of(board, small())
    searcher, scheduler = adapters.PhaseSearcher(drive), adapters.PhaseScheduler(drive)
    first, second = searcher.suggest("a"), searcher.suggest("b")
    leases.change(store.path / f"leases/{first['phase']}.json", token="another")
    drive._renewed = -1000.0
    drive.tick()
    pruned: list[str] = []
    state = SimpleNamespace(ray_actor=None)
    row = {"status": "running", "step": 1, "steps": 9, "value": 1.0}
    for name, config in (("a", first), ("b", second)):
        prune = SimpleNamespace(remote=partial(pruned.append, config["phase"]))
        state = SimpleNamespace(ray_actor=SimpleNamespace(prune=prune))
        trial = SimpleNamespace(trial_id=name, temporary_state=state)
        answer = scheduler.on_trial_result(None, trial, row)
        assert answer == ("STOP" if name == "a" else "CONTINUE")
    assert pruned == [first["phase"]]
    searcher.on_trial_complete("a", {**row, "status": "running"})
    entry = board.ledger.get(first["slot"])
    assert entry is not None and entry.state is State.WAITING
    assert board.running == [second["slot"]] and list(drive.trials) == ["b"]


def test_adapters_of_a_driver_that_lost_its_sweep_change_nothing(tmp_path: Path) -> None:
    board, _, _ = board_of(small(), tmp_path)

    def lost() -> None:
        raise LeaseLost("another has it")

    drive = drive_of(board, small())
    searcher, scheduler = adapters.PhaseSearcher(drive), adapters.PhaseScheduler(drive)
    config = searcher.suggest("a")
    before = kept(board.ledger.path.parent)
    drive.sure = lost
    trial = SimpleNamespace(trial_id="a")
    for act in (
        lambda: searcher.suggest("b"),
        lambda: scheduler.on_trial_result(None, trial, {"status": "running"}),
        lambda: searcher.on_trial_complete("a", {"status": "failed", "error": "late"}),
    ):
        with pytest.raises(LeaseLost):
            act()
    assert board.running == [config["slot"]] and kept(board.ledger.path.parent) == before


def test_run_that_ends_in_an_error_gives_back_the_leases_of_its_phases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, store, _ = board_of(small(), tmp_path)
    first = board.next()
    assert first is not None and list((store.path / "leases").glob("*.json"))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(EngineError, match="no Ray cluster answers there"):
        engine.run(board, small(), {"store": str(tmp_path / "store")}, first=first)
    assert not list((store.path / "leases").glob("*.json"))

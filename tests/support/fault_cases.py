"""Faults on a cluster of several nodes, each as a function that does it to a running sweep and
tells what came of it. The tests of `tests/faults` and the table of `tests/benchmarks/faults.py`
both run these.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import xstilts
from tests.support.machines import (
    Line,
    Machines,
    finish,
    free_port,
    kill_all,
    machines,
    variables,
    wait_for,
)
from tests.support.services import Metadata, mlflow_server, tracked_phases
from tests.support.tiny import make_sweep
from xstilts.store.phases import Store

SWEEP: dict[str, Any] = {
    "intermediates": ["first"],
    "seeds": [1],
    "search": {"trials": 1},
    "intermediate": {
        "lr": 0.001,
        "steps": 1500,
        "batch_size": 8,
        "max_length_tokens": 16,
        "eval_every_steps": 250,
    },
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What came of a fault."""

    outcome: dict[str, Any]
    """Of the run that ended the sweep."""
    results: dict[str, Any]
    """Slot to what its record says."""
    repeated: int
    """Updates that were made more than once."""
    allowed: int
    """Updates that followed the last partial checkpoint."""
    seconds: float
    """From the fault to the next step of the phase that it hit."""
    beside: int
    """Updates that an old trainer made beside its replacement."""
    attempts: set[int]
    """How many attempts the trained phases took that count against `retries`."""


def sweep_in(
    folder: Path, *, dropout: float = 0.1, tracking: str = "off", **resources: Any
) -> Path:
    """The sweep of all cases, in a folder of its own."""
    given = {"partial_every_seconds": 0.5, **resources}
    return make_sweep(folder, dropout=dropout, **SWEEP, tracking=tracking, resources=given)


def results(file: Path) -> dict[str, Any]:
    """Slot to what its phase's record says, times left out."""
    store = Store(file.parent / "store")
    kept = ("dev", "scores", "mean", "loss", "steps", "curve")
    return {
        entry.slot: {
            name: value
            for name, value in store.phase(entry.phase).record().result.to_json().items()
            if name in kept
        }
        for entry in xstilts.status(file).entries
    }


def undisturbed(folder: Path, **changes: Any) -> dict[str, Any]:
    """The results of a run to which nothing happens."""
    file = sweep_in(folder, **changes)
    with machines(folder / "cluster", nodes=2) as made:
        assert finish(made.launch(file))["failures"] == []
        assert made.log.repeated() == 0
    return results(file)


def _kept(made: Machines) -> Line:
    """Waits until a phase has a partial checkpoint and goes on; the line of its last step."""
    wait_for(lambda: len(made.log.lines("partial")) >= 2)
    time.sleep(0.3)
    return made.log.lines("step")[-1]


def _case(made: Machines, file: Path, outcome: dict[str, Any], phase: str, began: float) -> Case:
    later = [line for line in made.log.lines("step") if line.phase == phase and line.time > began]
    pids = {line.pid for line in made.log.lines("step") if line.time <= began}
    again = [line.time for line in later if line.pid not in pids]
    return Case(
        outcome=outcome,
        results=results(file),
        repeated=made.log.repeated(),
        allowed=made.log.allowed(),
        seconds=min(again, default=began) - began,
        beside=made.log.beside(),
        attempts={
            entry.attempts for entry in xstilts.status(file).entries if entry.kind != "evaluate"
        },
    )


def raylet_killed(folder: Path, *, reap: bool = True, **plan: Any) -> Case:
    """The raylet of the node that runs the phase is killed. `plan`: as in `fault_hooks`."""
    file = sweep_in(folder)
    with machines(folder / "cluster", **plan) as made:
        driver = made.launch(file)
        at = _kept(made)
        began = time.time()
        made.kill(made.node_of(at.pid), reap=reap)
        return _case(made, file, finish(driver), at.phase, began)


def stopped_and_replaced(folder: Path) -> tuple[Case, list[Line]]:
    """The node is lost and its trainer stopped; it wakes when its replacement has made a step. Also
    what it noted from then on.

    In this order: Linux sends SIGHUP to a stopped process that loses its parent, and wakes it.
    """
    file = sweep_in(folder)
    with machines(folder / "cluster", strangers=True) as made:
        driver = made.launch(file)
        at = _kept(made)
        node, old, began = made.node_of(at.pid), psutil.Process(at.pid), time.time()
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        made.kill(node, reap=False)
        wait_for(lambda: raylet.status() == psutil.STATUS_ZOMBIE)
        old.suspend()
        try:
            wait_for(
                lambda: [
                    one
                    for one in made.log.lines("step")
                    if one.phase == at.phase and one.pid != at.pid
                ]
            )
            woken = time.time()
            old.resume()
            with suppress(psutil.TimeoutExpired):
                old.wait(20)
        finally:
            with suppress(psutil.NoSuchProcess):
                old.kill()
        case = _case(made, file, finish(driver), at.phase, began)
        noted = [one for one in made.log.lines() if one.pid == at.pid and one.time > woken]
    assert xstilts.verify(file.parent / "store").damaged == []
    return case, noted


def told_to_end(folder: Path, how: signal.Signals, workers: int = 1) -> Case:
    """The driver gets a signal; the same command carries on."""
    file = sweep_in(folder, partial_every_seconds=3600, workers=workers)
    with machines(folder / "cluster", nodes=workers) as made:
        driver = made.launch(file)
        wait_for(lambda: len(made.log.lines("step")) > 100)
        at, began = made.log.lines("step")[-1], time.time()
        os.kill(driver.pid, how)
        out, err = driver.communicate(timeout=90)
        assert driver.returncode == 128 + how, out + err
        return _case(made, file, finish(made.launch(file)), at.phase, began)


def hanging(folder: Path, how: str, workers: int = 1) -> Case:
    """A phase hangs at a step. AssertionError where a phase of one worker is tried again on the
    node on which it hung.
    """
    file = sweep_in(folder, deadline_minutes=0.1, workers=workers)
    with machines(folder / "cluster", hang={"step": 400, "how": how}) as made:
        driver = made.launch(file)
        at = wait_for(lambda: made.log.lines("hang"))[0]
        if workers == 1:
            node = made.node_of(at.pid)
            assert made.node_of(_again(made, at).pid) is not node, "on the same node"
        return _case(made, file, finish(driver), at.phase, at.time)


def _again(made: Machines, at: Line) -> Line:
    """Waits for the first step of a phase in another process than before."""

    def later() -> list[Line]:
        steps = made.log.lines("step")
        return [one for one in steps if one.phase == at.phase and one.pid != at.pid]

    return Line(*wait_for(later)[0])


def head_restarted(folder: Path) -> Case:
    """The head's state is on disk; its server is killed and started again ten seconds later."""
    file = sweep_in(folder)
    disk = {"RAY_gcs_storage": "rocksdb", "RAY_gcs_storage_path": str(folder / "gcs")}
    with variables(**disk), machines(folder / "cluster") as made:
        driver = made.launch(file)
        at, began = _kept(made), time.time()
        made.cluster.head_node.kill_gcs_server(check_alive=False)
        time.sleep(10)
        made.cluster.head_node.start_gcs_server()
        return _case(made, file, finish(driver), at.phase, began)


def cluster_lost(folder: Path) -> Case:
    """All machines are lost but the driver's; the same command on a new cluster carries on."""
    file = sweep_in(folder)
    with machines(folder / "cluster") as made:
        driver = made.launch(file)
        at, began = _kept(made), time.time()
        kill_all(made.cluster)
        _, err = driver.communicate(timeout=120)
        assert driver.returncode == 1 and "the same command carries on" in err, err[-3000:]
    with machines(folder / "cluster") as made:
        return _case(made, file, finish(made.launch(file)), at.phase, began)


def driver_killed(folder: Path) -> Case:
    """The driver is killed; the same command carries on."""
    file = sweep_in(folder)
    with machines(folder / "cluster") as made:
        driver = made.launch(file)
        at, began = _kept(made), time.time()
        driver.kill()
        driver.communicate()
        return _case(made, file, finish(made.launch(file)), at.phase, began)


def second_driver(folder: Path) -> Case:
    """A second driver of the same sweep is started beside the first."""
    file = sweep_in(folder)
    with machines(folder / "cluster") as made:
        driver = made.launch(file)
        at, began = _kept(made), time.time()
        second = made.launch(file)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 1 and "is at work on it" in err, err[-3000:]
        return _case(made, file, finish(driver), at.phase, began)


def train_worker_killed(folder: Path) -> Case:
    """One of the two Train workers of a phase is killed."""
    file = sweep_in(folder, workers=2)
    with machines(folder / "cluster", nodes=3) as made:
        driver = made.launch(file)
        at, began = _kept(made), time.time()
        os.kill(at.pid, signal.SIGKILL)
        return _case(made, file, finish(driver), at.phase, began)


def preempted(folder: Path) -> Case:
    """The node that runs the phase gets a notice: AWS's, from its metadata service."""
    file = sweep_in(folder, partial_every_seconds=3600)
    with machines(folder / "cluster") as made, Metadata() as metadata:
        driver = made.launch(file)
        wait_for(lambda: len(made.log.lines("step")) > 100)
        at = made.log.lines("step")[-1]
        node = made.node_of(at.pid)
        watcher = made.beside(node, "--metadata", metadata.address)
        metadata.terminate_in(seconds=120)
        began = time.time()
        said, err = watcher.communicate(timeout=60)
        assert watcher.returncode == 0 and "is drained" in said, said + err
        wait_for(lambda: made.log.lines("partial"))
        time.sleep(3)
        made.kill(node)
        return _case(made, file, finish(driver), at.phase, began)


def always_hanging(folder: Path) -> dict[str, Any]:
    """A phase hangs whenever it comes to a step; the outcome of the run."""
    file = sweep_in(folder, deadline_minutes=0.1, retries=1)
    hang = {"step": 5, "how": "sleep", "always": True}
    with machines(folder / "cluster", hang=hang) as made:
        return finish(made.launch(file))


def short_of_memory(folder: Path, workers: int = 1) -> Case:
    """Half of a micro-batch fits into memory."""
    file = sweep_in(folder, dropout=0.0, workers=workers)
    with machines(folder / "cluster", nodes=2, memory={"rows": 4 // workers}) as made:
        outcome, short = finish(made.launch(file)), made.log.lines("short")[0]
        phase = made.log.lines("step")[0].phase
        return _case(made, file, outcome, phase, short.time)


def tracking_away(folder: Path) -> tuple[Case, list[list[str]]]:
    """MLflow is away for the whole run, and then back: what phases it has after each of two
    `xstilts track`.
    """
    port = free_port()
    file = sweep_in(folder, tracking=f"http://127.0.0.1:{port}")
    with machines(folder / "cluster") as made:
        case = _case(made, file, finish(made.launch(file)), "", time.time())
    with mlflow_server(folder / "mlflow", port):
        phases = []
        for _ in range(2):
            xstilts.track(file)
            phases.append(tracked_phases(f"http://127.0.0.1:{port}"))
    return case, phases

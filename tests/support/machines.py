"""A Ray cluster of several nodes on this machine, whose nodes can be lost, and a log of the steps
that phases make on it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from ray.cluster_utils import Cluster

from tests.support.default_signals import default_signals

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
"""Ray finds a dead node within two seconds instead of a quarter of a minute or more."""
DRIVER = """
import json, sys, xstilts
ran = xstilts.run(sys.argv[1], warn=lambda message: print(message, file=sys.stderr))
print(json.dumps(ran.to_json()))
sys.exit(ran.exit_code)
"""


class Line(NamedTuple):
    """One line of a process's log: an update, or a partial checkpoint."""

    word: str
    phase: str
    step: int
    time: float
    """Seconds since 1970."""
    pid: int


@dataclass
class Log:
    """What all processes have noted in a folder."""

    folder: Path

    def lines(self, word: str = "") -> list[Line]:
        """All lines in the order of time, or those with a word."""
        found = []
        for file in self.folder.glob("*.log"):
            for text in file.read_text().splitlines():
                with suppress(ValueError):  # the last line of a killed process
                    said, phase, step, at = text.split()
                    found.append(Line(said, phase, int(step), float(at), int(file.stem)))
        return sorted((one for one in found if word in ("", one.word)), key=lambda one: one.time)

    def repeated(self) -> int:
        """Updates that attempts made which others had made before them. What an old trainer does
        beside its replacement is not among them.
        """
        return sum(before - begun.step + 1 for begun, before, _ in self._later() if before)

    def allowed(self) -> int:
        """What may be repeated: the updates that followed the last partial checkpoint when another
        attempt began.
        """
        return sum(before - kept for _, before, kept in self._later())

    def beside(self) -> int:
        """Updates that old trainers made beside their replacements."""
        total = 0
        for begun, _, _ in self._later():
            for one in self.lines("step"):
                old = one.phase == begun.phase and one.pid != begun.pid
                total += old and one.time > begun.time and one.pid in self._before(begun)
        return total

    def _before(self, begun: Line) -> set[int]:
        """Processes that were at a phase before an attempt began."""
        lines = self.lines("step")
        return {one.pid for one in lines if one.phase == begun.phase and one.time < begun.time}

    def _later(self) -> Iterator[tuple[Line, int, int]]:
        """Each attempt at a phase but its first: its first update, the last one made before it, and
        the last one in a partial checkpoint.
        """
        for phase in {one.phase for one in self.lines("step")}:
            steps = [one for one in self.lines("step") if one.phase == phase]
            kept = [one for one in self.lines("partial") if one.phase == phase]
            for begun in self._attempts(steps)[1:]:
                before = max(one.step for one in steps if one.time < begun.time)
                at = max((one.step for one in kept if one.time < begun.time), default=0)
                yield begun, before, at

    def _attempts(self, steps: list[Line]) -> list[Line]:
        """The first line of each attempt at a phase, in the order of time."""
        first, last = [], dict[int, int]()
        for one in steps:
            if one.pid not in last or one.step <= last[one.pid]:
                first.append(one)
            last[one.pid] = one.step
        return first


def kill_all(cluster: Cluster) -> None:
    """Kills every process of a cluster, the head's first."""
    for node in cluster.list_all_nodes():
        node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)


@dataclass
class Machines:
    """A cluster with a head that runs no phases, and nodes of one CPU each."""

    cluster: Cluster
    log: Log
    plan: Path
    """JSON that says what processes shall do wrong (`fault_hooks`)."""
    nodes: list[Any] = field(default_factory=list)
    drivers: list[subprocess.Popen[str]] = field(default_factory=list)

    def add(self, cpus: int = 1) -> Any:
        """One more node."""
        self.nodes.append(self.cluster.add_node(num_cpus=cpus))
        return self.nodes[-1]

    def kill(self, node: Any, *, reap: bool = True) -> None:
        """Kills a node's raylet. Unless it is reaped it stays a zombie, and the processes of the
        node go on.
        """
        process = node.all_processes["raylet"][0].process
        os.kill(process.pid, signal.SIGKILL)
        if reap:
            process.wait()
        self.nodes.remove(node)

    def node_of(self, pid: int) -> Any:
        """The node that a worker process belongs to."""
        parents = {parent.pid for parent in psutil.Process(pid).parents()}
        for node in self.nodes:
            if node.all_processes["raylet"][0].process.pid in parents:
                return node
        raise AssertionError(f"process {pid} belongs to no node")

    def beside(self, node: Any, *given: str) -> subprocess.Popen[str]:
        """`xstilts cluster watch-spot` beside a node."""
        command = [sys.executable, "-m", "xstilts", "cluster", "watch-spot", "--node-id"]
        watcher = subprocess.Popen(
            [*command, node.node_id, "--address", self.cluster.address, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.drivers.append(watcher)
        return watcher

    def launch(self, file: Path, **environment: str) -> subprocess.Popen[str]:
        """A driver in a process of its own."""
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAY_ADDRESS": self.cluster.address, **environment},
            start_new_session=True,
            preexec_fn=default_signals,
        )
        self.drivers.append(driver)
        return driver


def finish(driver: subprocess.Popen[str], timeout: float = 240) -> dict[str, Any]:
    """Waits for a driver; its outcome."""
    out, err = driver.communicate(timeout=timeout)
    assert out.strip(), err[-3000:]
    return dict(json.loads(out.strip().splitlines()[-1]))


def wait_for(condition: Callable[[], Any], seconds: float = 150) -> Any:
    """Polls until `condition` gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def variables(**new: str) -> Iterator[None]:
    """Environment variables for a block."""
    before = {name: os.environ.get(name) for name in new}
    os.environ.update(new)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def machines(
    folder: Path,
    nodes: int = 2,
    settings: dict[str, int] = QUICK,
    pause: float = 0.004,
    **plan: Any,
) -> Iterator[Machines]:
    """A cluster whose processes log to `folder`/log; each update takes at least `pause` seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log").mkdir(exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    path = f"{ROOT / 'tests/support/fault_hooks'}:{ROOT}"
    environment = {
        "PYTHONPATH": path,
        "FAULT_LOG": str(folder / "log"),
        "FAULT_PLAN": str(folder / "plan.json"),
        "FAULT_PAUSE": str(pause),
        "RAY_AUTH_MODE": "disabled",
    }
    with variables(**environment):
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "resources": {"trial_slot": 64},
                "include_dashboard": True,
                "dashboard_port": free_port(),
                "_system_config": dict(settings),
            },
        )
        made = Machines(cluster, Log(folder / "log"), folder / "plan.json")
        try:
            for _ in range(nodes):
                made.add()
            yield made
        finally:
            for driver in made.drivers:
                if driver.poll() is None:
                    os.killpg(driver.pid, signal.SIGKILL)
                    driver.communicate()
            kill_all(cluster)
            cluster.shutdown()

"""A cluster in the laboratory: what a user types on the client, from `ray up` to `ray down`.

The client has a copy of this repository with the cluster file in it, its blanks filled in. What
docs/clusters.md says after that is typed word for word.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.lab import ROOT, Lab, Machine
from tests.support.pages import commands
from xstilts.clusters import cluster_file

SETTINGS = (
    "set -e; export PATH=~/xstilts-env/bin:$PATH RAY_AUTH_MODE=token PYTHONUNBUFFERED=1; cd ~/work"
)
"""What a user has in the shell."""
PAGE, WAY = "clusters.md", "From `ray up` to a finished sweep"


class LabCluster:
    """One cluster file, brought up between machines of the lab."""

    def __init__(self, lab: Lab, text: str, settings: str = ":") -> None:
        """`text`: the cluster file, filled in; `settings`: what its user sets in the shell."""
        self.lab, self.client, self._settings = lab, lab.client, settings
        work = lab.folder / "n1" / "home" / "work"
        shutil.copytree(ROOT / "xstilts", work / "xstilts")
        for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
            shutil.copy(ROOT / name, work)
        (work / "cluster.yaml").write_text(text, "utf-8")
        self.file = cluster_file.read(work / "cluster.yaml")
        self.type("pip install --quiet --no-deps .", 120)

    def up(self) -> str:
        """What the page says from the first command to `ray up`."""
        return self.type(commands(PAGE, WAY, 0), 400)

    def tunnel(self) -> None:
        """The page's tunnel to the dashboard, in a terminal of its own."""
        self.start(commands(PAGE, WAY, 1), f"tunnel-{time.monotonic():.0f}")

    def down(self) -> str:
        """What the page says when one has seen enough."""
        return self.type(commands(PAGE, WAY, -1), 200)

    def type(self, line: str, seconds: float = 60) -> str:
        """What the client says to a line that must succeed."""
        return self.client.done(f"{SETTINGS}; {self._settings}; {line}", seconds)

    def start(self, line: str, name: str) -> subprocess.Popen[bytes]:
        """A line that goes on in another terminal of the client."""
        return self.client.start(
            f"{SETTINGS}; {self._settings}; {line}", self.lab.folder / f"{name}.log"
        )

    def watch(self, head: Machine) -> None:
        """From now on, `alive` knows what Ray's head takes for alive, twice a second."""
        script = ROOT / "tests" / "support" / "alive_nodes.py"
        head.start(f"python {script}", self.lab.folder / "alive")

    def alive(self) -> list[str]:
        """Addresses of the nodes that Ray takes for alive; none before it can be asked."""
        said = (self.lab.folder / "alive").read_text("utf-8", "replace")
        lines = re.findall(r"^alive (.*)$", said, re.M)
        return lines[-1].split() if lines else []

    def submit(self, name: str, sweep: str, store: str, tracking: str = "off") -> Run:
        """The page's `xstilts submit` with a file, store and tracking of its own, in a terminal
        that goes on.
        """
        line = commands(PAGE, WAY, 2).strip()
        for example, own in (("sweep.yaml", sweep), ("s3://YOUR-BUCKET/store", store)):
            assert line.count(example) == 1, f"{example} in {line}"
            line = line.replace(example, own)
        process = self.start(f"{line} --tracking {tracking}", name)
        return Run(process, self.lab.folder / f"{name}.log")

    def about(self, verb: str, name: str) -> str:
        """The page's line that asks about a sweep by its name: `status`, `logs`."""
        lines = commands(PAGE, WAY, 3).splitlines()
        (line,) = [line for line in lines if line.startswith(f"xstilts {verb} NAME")]
        return self.type(line.replace("NAME", name), 120)


@dataclass(frozen=True)
class Run:
    """A job that a terminal watches."""

    process: subprocess.Popen[bytes]
    path: Path

    @property
    def log(self) -> str:
        """What the job has said so far."""
        return self.path.read_text("utf-8", "replace")

    def finished(self, seconds: float) -> None:
        """Waits for a job that must succeed."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        assert code == 0, f"{'did not end' if code is None else f'ended with {code}'}:\n{self.log}"


def wait_for(what: Callable[[], bool], seconds: float, every: float = 1.0) -> float:
    """Waits until something is so; how long it took. AssertionError where it takes too long."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, f"not so after {seconds:g} s"
        time.sleep(every)
    return time.monotonic() - began


def listening(machine: Machine) -> dict[str, str]:
    """`address:port` to the command that listens there, of all sockets that others may reach."""
    listed, processes = (machine.done(asked) for asked in ("ss -ltnpH", "ps -eo pid=,args="))
    commands = dict(line.split(None, 1) for line in processes.splitlines())
    found = {}
    for line in listed.splitlines():
        local = line.split()[3]
        address, _, port = local.rpartition(":")
        address = address.strip("[]").removeprefix("::ffff:")
        if address.startswith("127.") or address == "::1":
            continue
        if address in ("0.0.0.0", "*", "::"):
            address = machine.address
        (pid,) = re.findall(r"pid=(\d+)", line)[:1] or ["?"]
        found[f"{address}:{port}"] = commands.get(pid, line)
    return found


def knocked(client: Machine, where: list[str], seconds: float = 300) -> dict[str, list[str]]:
    """What answers at sockets without a token; `tests.support.knocks` has how that is tried."""
    python = f"env -u RAY_AUTH_MODE ~/xstilts-env/bin/python {ROOT}/tests/support/knocks.py"
    said = client.done(f"{python} {' '.join(where)}", seconds)
    answers: dict[str, list[str]] = json.loads(said.splitlines()[-1])
    return answers

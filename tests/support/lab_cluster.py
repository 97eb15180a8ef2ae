"""A cluster in the laboratory: what a user types on the client, from `ray up` to `ray down`.

The client gets what docs/clusters.md asks for before the first `ray up`: the wheel of this source
with the pinned versions, a token, and the cluster file with its blanks filled in. Everything after
that is typed as a user would type it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.lab import ROOT, SHARED, Lab, Machine
from xstilts.clusters import cluster_file

SETTINGS = "export PATH=~/xstilts-env/bin:$PATH RAY_AUTH_MODE=token; cd ~/work"
"""What a user has in the shell before the first command."""


def wheel(folder: Path) -> Path:
    """The install folder of the page: this source as a wheel, and the pinned versions."""
    asked = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    copied = folder / "source"  # the build leaves files beside the source
    shutil.copytree(ROOT / "xstilts", copied / "xstilts")
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        shutil.copy(ROOT / name, copied / name)
    made = folder / "install"
    subprocess.run([*asked, "--wheel-dir", str(made), str(copied)], check=True)
    shutil.copy(ROOT / "requirements.lock", made)
    return made


class LabCluster:
    """One cluster file, brought up between machines of the lab."""

    def __init__(self, lab: Lab, install: Path, text: str) -> None:
        """`install`: what `wheel` made; `text`: the cluster file, filled in."""
        self.lab, self.client = lab, lab.client
        work = lab.folder / "n1" / "home" / "work"
        shutil.copytree(install, work / "dist" / "cluster")
        (work / "cluster.yaml").write_text(text, "utf-8")
        self.file = cluster_file.read(work / "cluster.yaml")
        self.type("ray get-auth-token --generate > /dev/null && chmod 600 ~/.ray/auth_token")

    def type(self, line: str, seconds: float = 60) -> str:
        """What the client says to a line that must succeed."""
        return self.client.done(f"{SETTINGS}; {line}", seconds)

    def start(self, line: str, name: str) -> subprocess.Popen[bytes]:
        """A line that goes on in another terminal of the client."""
        return self.client.start(f"{SETTINGS}; {line}", self.lab.folder / f"{name}.log")

    def up(self, settings: str = "", seconds: float = 300) -> str:
        """`ray up`."""
        return self.type(f"{settings} ray up --yes cluster.yaml", seconds)

    def watch(self, head: Machine) -> None:
        """From now on, `alive` knows what Ray's head takes for alive, twice a second."""
        script = ROOT / "tests" / "support" / "alive_nodes.py"
        head.start(f"python {script}", self.lab.folder / "alive")

    def alive(self) -> list[str]:
        """Addresses of the nodes that Ray takes for alive; none before it can be asked."""
        said = (self.lab.folder / "alive").read_text("utf-8", "replace")
        lines = re.findall(r"^alive (.*)$", said, re.M)
        return lines[-1].split() if lines else []

    def submit(self, name: str, sweep: str, store: str) -> None:
        """Starts a run of a sweep as a job, and leaves it."""
        run = f"xstilts run {SHARED}/{sweep} --store {SHARED}/{store} --tracking off"
        self.type(f"ray job submit --submission-id {name} --no-wait -- {run}")

    def job(self, name: str) -> str:
        """A job's state."""
        said = self.type(f"ray job status {name}")
        for state in ("SUCCEEDED", "FAILED", "STOPPED", "RUNNING", "PENDING"):
            if state in said.upper().replace(name.upper(), ""):
                return state
        raise AssertionError(said)

    def finished(self, name: str, seconds: float) -> None:
        """Waits for a job that must succeed."""
        until = time.monotonic() + seconds
        while (state := self.job(name)) in ("RUNNING", "PENDING"):
            assert time.monotonic() < until, f"{name} did not end:\n{self.log(name)}"
            time.sleep(5)
        assert state == "SUCCEEDED", f"{name} is {state}:\n{self.log(name)}"

    def log(self, name: str) -> str:
        """What a job said."""
        return self.client.run(f"{SETTINGS}; ray job logs {name}").text


def wait_for(what: Callable[[], bool], seconds: float, every: float = 1.0) -> float:
    """Waits until something is so; how long it took. AssertionError where it takes too long."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, f"not so after {seconds:g} s"
        time.sleep(every)
    return time.monotonic() - began


def listening(machine: Machine) -> dict[str, str]:
    """`address:port` to the program that listens there, of all sockets that others may reach."""
    found = {}
    for line in machine.done("ss -ltnpH").splitlines():
        _, _, _, local, _, *users = line.split(None, 5)
        address, _, port = local.rpartition(":")
        address = address.strip("[]").removeprefix("::ffff:")
        if address.startswith("127.") or address == "::1":
            continue
        if address in ("0.0.0.0", "*", "::"):
            address = machine.address
        found[f"{address}:{port}"] = users[0].split('"')[1] if users else "?"
    return found


def knocked(client: Machine, where: list[str], seconds: float = 300) -> dict[str, list[str]]:
    """What answers at sockets without a token; `tests.support.knocks` has how that is tried."""
    python = f"env -u RAY_AUTH_MODE ~/xstilts-env/bin/python {ROOT}/tests/support/knocks.py"
    said = client.done(f"{python} {' '.join(where)}", seconds)
    answers: dict[str, list[str]] = json.loads(said.splitlines()[-1])
    return answers

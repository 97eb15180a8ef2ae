"""`sweeps/clusters/slurm.sh` where `srun` and `scontrol` are stand-ins of this machine: they start
what they are told here, so that all "nodes" are Ray nodes of one machine. Everything else is real.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tiny

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "sweeps" / "clusters" / "slurm.sh"
JOB = str(os.getpid() % 9000 + 1000)
SCONTROL = """#!/bin/sh
[ "$1 $2" = "show hostnames" ] && echo "$3" | tr , '\\n'
"""
SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do echo "$1" >> "$SRUN_LOG"; shift; done
exec "$@"
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What SLURM gives a job of two nodes, with the stand-ins and this xstilts on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "scontrol": SCONTROL,
        "srun": SRUN,
        "xstilts": f'#!/bin/sh\nexec {sys.executable} -m xstilts "$@"\n',
        "python3": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    yield {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "XSTILTS_ENV": str(tmp_path / "none"),
        "SRUN_LOG": str(tmp_path / "srun.log"),
        "SLURM_JOB_ID": JOB,
        "SLURM_JOB_NODELIST": "node1,node2",
        "SLURM_CPUS_PER_TASK": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "1",
        "HF_HUB_OFFLINE": "1",
    }
    shutil.rmtree(f"/tmp/xstilts-slurm-{JOB}", ignore_errors=True)


def of_the_job() -> list[str]:
    """Command lines of processes that the job has left."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if any(f"xstilts-slurm-{JOB}" in word for word in words):
                found.append(" ".join(words))
    return found


def test_script_is_bash_without_mistakes() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_script_passes_shellcheck() -> None:
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_signal_comes_before_the_end_of_the_time_and_no_option_is_a_secret() -> None:
    text = SCRIPT.read_text()
    options = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert "#SBATCH --signal=B:TERM@120" in options
    assert "--dashboard-host=127.0.0.1" in text and "0.0.0.0" not in text
    assert "RAY_AUTH_TOKEN=" not in text


@pytest.mark.parametrize(
    ("words", "path", "said"),
    [((), "", "give a sweep file"), (("sweep.yaml",), "/usr/bin:/bin", "is not on PATH")],
)
def test_script_without_what_it_needs_says_so_and_starts_nothing(
    environment: dict[str, str], words: tuple[str, ...], path: str, said: str, tmp_path: Path
) -> None:
    given = {**environment, **({"PATH": path} if path else {})}
    done = subprocess.run(
        ["bash", str(SCRIPT), *words],
        env=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / ".xstilts").exists()


def test_node_that_knows_no_address_but_loopback_is_told_what_to_give(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bin" / "hostname").write_text("#!/bin/sh\necho 127.0.1.1 ::1\n")
    (tmp_path / "bin" / "hostname").chmod(0o755)
    done = subprocess.run(
        ["bash", str(SCRIPT), "sweep.yaml"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "give one in XSTILTS_SLURM_ADDRESS" in done.stderr
    assert not (tmp_path / ".xstilts").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_job_is_stopped_before_its_time_is_up_and_the_next_carries_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    sweep = tiny.make_sweep(tmp_path)
    store = tmp_path / "store"
    command = ["bash", str(SCRIPT), str(sweep), "--store", str(store)]
    log = tmp_path / "job.log"
    with open(log, "w") as out:
        first = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        token = tmp_path / ".xstilts" / f"slurm-{JOB}" / "token"
        until = time.monotonic() + 240
        while time.monotonic() < until and not list(store.glob("phases/*/record.json")):
            assert first.poll() is None, log.read_text()
            time.sleep(0.2)
        assert token.stat().st_mode & 0o777 == 0o600
        secret = token.read_text()
        first.send_signal(signal.SIGTERM)
        assert first.wait(120) == 143, log.read_text()
    said = log.read_text()
    assert "2 of 2 nodes have joined" in said
    assert secret not in said
    assert not token.exists() and of_the_job() == []
    done_before = len(list(store.glob("phases/*/record.json")))

    second = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=420
    )
    assert second.returncode == 0, second.stdout + second.stderr
    assert of_the_job() == []
    assert len(list(store.glob("phases/*/record.json"))) > done_before > 0
    assert "--nodelist=node2" in (tmp_path / "srun.log").read_text()

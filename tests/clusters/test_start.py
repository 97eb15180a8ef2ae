"""The first process of a job, as a script of its own: which xstilts it runs, and when none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import xstilts
from xstilts.clusters import start

ROOT = Path(xstilts.__file__).resolve().parents[1]


def started(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script, sent to another folder."""
    script = tmp_path / "start.py"
    script.write_bytes(Path(start.__file__).read_bytes())
    return subprocess.run(
        [sys.executable, str(script), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def test_right_version_runs_the_command_line(tmp_path: Path) -> None:
    done = started(tmp_path, f"{xstilts.__version__}+1a2b3c", "tasks", "gen-reading")
    first, *others = done.stdout.splitlines()
    assert first.startswith(f"this job runs xstilts {xstilts.__version__}+1a2b3c on ")
    assert others[0].startswith("gen-reading") and done.returncode == 0


def test_exit_code_of_the_command_line_is_the_scripts(tmp_path: Path) -> None:
    assert started(tmp_path, xstilts.__version__, "run", "nothing.yaml").returncode == 2


def test_another_version_starts_nothing_and_is_named(tmp_path: Path) -> None:
    done = started(tmp_path, "9.9.9", "tasks")
    assert done.returncode == start.OTHER_VERSION
    assert done.stdout == (
        f"this cluster has xstilts {xstilts.__version__}; the sweep was submitted with xstilts "
        "9.9.9\n"
    )


def test_machine_without_xstilts_starts_nothing_and_is_named(tmp_path: Path) -> None:
    for name, text in (("ray", ""), ("xstilts", "raise ModuleNotFoundError(name='xstilts')")):
        (tmp_path / "there" / name).mkdir(parents=True)
        (tmp_path / "there" / name / "__init__.py").write_text(text)
    done = started(tmp_path, "0.1.0", "tasks", PYTHONPATH=str(tmp_path / "there"))
    assert done.returncode == start.OTHER_VERSION and "has no xstilts" in done.stdout


def test_python_without_ray_is_named(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_bytes(Path(start.__file__).read_bytes())
    # -S: without what is installed
    done = subprocess.run(
        [sys.executable, "-S", str(script), "0.1.0", "tasks"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 1
    assert f"the `python3` of this cluster's jobs is {sys.executable}, which has no ray" in (
        done.stderr
    )

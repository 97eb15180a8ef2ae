"""Benchmarks measure the same whatever the user's environment is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.worlds import ROOT, environment

BENCHMARKS = sorted((ROOT / "tests/benchmarks").glob("*.py"))
USERS = {
    "XSTILTS_MIRROR": "/nowhere",
    "HF_ENDPOINT": "http://127.0.0.1:1",
    "HF_HUB_OFFLINE": "0",
    "RAY_ADDRESS": "127.0.0.1:1",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    "OMP_NUM_THREADS": "7",
}
PROGRAM = """
import json, os
from tests.support.own_environment import use_own_environment
use_own_environment()
print(json.dumps({name: os.environ.get(name) for name in %r}))
"""


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_every_benchmark_uses_an_environment_of_its_own(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "    use_own_environment()\n" in text or "\nuse_own_environment()" in text
    assert "environ.get" not in text


def test_own_environment_has_nothing_of_the_users_and_keeps_the_rest() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM % [*USERS, "PATH"]],
        capture_output=True,
        text=True,
        check=True,
        env={**environment(), **USERS},
    )
    assert json.loads(ran.stdout) == {
        "XSTILTS_MIRROR": None,
        "HF_ENDPOINT": None,
        "HF_HUB_OFFLINE": "1",
        "RAY_ADDRESS": None,
        "MLFLOW_TRACKING_URI": None,
        "OMP_NUM_THREADS": "1",
        "PATH": os.environ["PATH"],
    }

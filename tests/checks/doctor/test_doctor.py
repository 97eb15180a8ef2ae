"""All checks together: each named once, nothing left behind, nothing heavy imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from xstilts.checks.doctor import checks
from xstilts.store.phases import Store


def test_checks_this_machine_names_each_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = checks(Store(tmp_path / "store"), f"sqlite:///{tmp_path}/mlflow.db", None)
    names = [check.name for check in found]
    assert len(names) == len(set(names))
    assert {
        "packages",
        "store",
        "disk",
        "tracking",
        "open files",
        "Ray clusters",
        "memory",
        "cores",
    } <= set(names)
    assert all(check.fix for check in found if not check.ok)
    assert list(tmp_path.iterdir()) == []


def test_checks_load_neither_ray_nor_torch_nor_mlflow() -> None:
    code = (
        "import sys\nfrom xstilts.checks.doctor import checks\nchecks('.', None)\n"
        "assert not {'ray', 'torch', 'mlflow', 'optuna'} & set(sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, cwd=Path(__file__).parents[3]
    )

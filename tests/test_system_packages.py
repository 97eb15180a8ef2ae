"""`.ci/system-packages` says what is missing, and installs nothing where all is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "system-packages"


def run(*words: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), *words],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_missing_packages_are_named_and_nothing_is_installed(tmp_path: Path) -> None:
    found = run("--check", path=str(tmp_path))
    assert found.returncode == 1
    assert {"rsync", "iproute2", "util-linux", "shellcheck"} <= set(found.stdout.split())
    assert "awscli==" in found.stdout


def test_system_without_apt_is_told_so(tmp_path: Path) -> None:
    found = run(path=str(tmp_path))
    assert found.returncode == 2
    assert "no apt-get" in found.stderr


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_script_passes_shellcheck() -> None:
    found = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert found.stdout == "" and os.access(SCRIPT, os.X_OK)

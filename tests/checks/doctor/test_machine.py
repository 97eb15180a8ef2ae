"""What the machine has: open files, memory, cores, shared memory."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from xstilts.checks.doctor import machine

GB = 1024**3


@pytest.mark.parametrize(
    ("soft", "hard", "state"),
    [
        (1024, 4096, "fail"),
        (4096, 4096, "warn"),
        (65_536, 65_536, "ok"),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, "ok"),
    ],
)
def test_open_files_limit_is_judged(soft: int, hard: int, state: str) -> None:
    check = machine.open_files(soft, hard)
    assert check.state == state
    assert "ulimit -n 65536" in check.fix


@pytest.mark.parametrize(("gigabytes", "state"), [(1, "fail"), (3, "warn"), (16, "ok")])
def test_memory_available_is_judged(gigabytes: int, state: str) -> None:
    assert machine.memory(gigabytes * GB).state == state


def test_cores_more_threads_than_cores_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    check = machine.cores()
    assert check.state == "warn"
    assert "unset OMP_NUM_THREADS" in check.fix


def test_shared_memory_absent_is_advice(tmp_path: Path) -> None:
    assert machine.shared_memory(tmp_path / "shm").state == "warn"

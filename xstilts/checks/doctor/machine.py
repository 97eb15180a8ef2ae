"""Does the machine have the files, cores and memory that Ray and a training need?"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from xstilts.checks.doctor.check import Check

FILES_NEEDED, FILES_ADVISED = 4_096, 65_536
MEMORY_NEEDED_GB, MEMORY_ADVISED_GB = 2, 4
SHARED_NEEDED_MB = 256
_GB = 1024**3


def open_files(soft: int, hard: int) -> Check:
    """Files that a process may hold open; Ray needs some for each worker, and its errors when they
    run out do not say so.
    """
    unlimited = soft == resource.RLIM_INFINITY
    enough = hard == resource.RLIM_INFINITY or hard >= FILES_ADVISED
    room = "" if enough else f" (here at most {hard:,}; root may raise it)"
    return Check(
        name="open files",
        ok=unlimited or soft >= FILES_ADVISED,
        what="no limit"
        if unlimited
        else f"at most {soft:,} in a process; {FILES_ADVISED:,} are advised",
        fix=(
            f"ulimit -n {FILES_ADVISED}{room}; in docker --ulimit nofile={FILES_ADVISED}; on "
            "every node"
        ),
        serious=not unlimited and soft < FILES_NEEDED,
    )


def cores() -> Check:
    """Cores that this process may use, and whether OMP_NUM_THREADS asks for more than those."""
    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _cpu_quota()
    count = min(usable, quota) if quota else usable
    given = os.environ.get("OMP_NUM_THREADS", "")
    crowded = given.isdigit() and int(given) > max(1, int(count))
    threads = f"; OMP_NUM_THREADS={given}" if given else ""
    if crowded:
        fix = (
            f"unset OMP_NUM_THREADS, or set at most {max(1, int(count))}: each phase sets "
            "its own number of threads"
        )
    else:
        fix = "two cores or more: Ray's own processes need one beside the training"
    return Check(
        name="cores",
        ok=count >= 2 and not crowded,
        what=f"{count:g} usable{threads}",
        fix=fix,
        serious=False,
    )


def memory(available_bytes: int) -> Check:
    """Free memory; Ray's own processes take about 1 GB before the first phase."""
    gigabytes = available_bytes / _GB
    return Check(
        name="memory",
        ok=gigabytes >= MEMORY_ADVISED_GB,
        what=(
            f"{gigabytes:.1f} GB available; Ray takes about 1 GB, each phase its model "
            "several times"
        ),
        fix=(
            "free some memory, or give `resources: slots: 1`; under pressure Ray kills the "
            "newest phase"
        ),
        serious=gigabytes < MEMORY_NEEDED_GB,
    )


def shared_memory(folder: Path) -> Check:
    """Room for Ray's object store."""
    free = shutil.disk_usage(folder).free / 1024**2 if folder.is_dir() else 0.0
    return Check(
        name="shared memory",
        ok=free >= SHARED_NEEDED_MB,
        what=f"{free:,.0f} MB in {folder}",
        fix="in docker --shm-size=1g; without it Ray puts its object store on the disk and is slow",
        serious=False,
    )


# -- reading the machine


def _cpu_quota() -> float | None:
    """Cores that the container may use (cgroup 2); None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def available_memory() -> int:
    """Free bytes of the machine, or of the container if that has a limit."""
    rows = dict(
        line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line
    )
    available = int(rows["MemAvailable"].split()[0]) * 1024
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return available
    return min(available, max(0, limit - used))

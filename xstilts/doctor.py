"""What a machine needs for a sweep, looked at before anything is spent: `xstilts doctor`.

Each check has a name, says what it found, and, where that is not well, what to do. A *serious* one would stop or ruin a
run; the others are advice. Nothing is started, nobody's cluster or server is touched, and what is written to try
the store is taken away again. The checks of Ray stand in `doctor_ray.py`.
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import sqlite3
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from xstilts.store import Store

TESTED: Mapping[str, str] = MappingProxyType(
    {
        "ray": "2.60.0",
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "datasets": "5.2.0",
        "accelerate": "1.15.0",
        "optuna": "5.0.0",
        "mlflow": "3.17.2",
    }
)
"""What the project was tested with; another release of the same minor version is taken to be the same."""
FILES_NEEDED, FILES_ADVISED = 4_096, 65_536
DISK_NEEDED_GB, DISK_ADVISED_GB = 1, 20
MEMORY_NEEDED_GB, MEMORY_ADVISED_GB = 2, 4
SHARED_NEEDED_MB = 256
_GB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    what: str
    """What was found."""
    fix: str = ""
    """What to do where it is not well."""
    serious: bool = True
    """Whether a run would fail, or give wrong results, as it is."""

    @property
    def state(self) -> str:
        """`ok`, `warn` or `fail`."""
        return "ok" if self.ok else "fail" if self.serious else "warn"


def checks(store: Store | str | Path, tracking_uri: str | None, ray_address: str | None = None) -> list[Check]:
    """All checks, in the order in which they should be mended. `ray_address` defaults to RAY_ADDRESS."""
    from xstilts import doctor_ray

    folder = (store if isinstance(store, Store) else Store(store)).path
    address = ray_address or os.environ.get("RAY_ADDRESS") or None
    return [
        *packages(),
        doctor_ray.extras(),
        doctor_ray.authentication(address),
        doctor_ray.clusters(address),
        *doctor_ray.cluster(address),
        doctor_ray.temporary_folder(),
        open_files(*resource.getrlimit(resource.RLIMIT_NOFILE)),
        cores(),
        memory(_available_memory()),
        shared_memory(Path("/dev/shm")),
        store_writable(folder),
        disk(folder, shutil.disk_usage(_existing(folder)).free),
        tracking(tracking_uri),
    ]


# -- packages ------------------------------------------------------------------------------------


def packages(tested: Mapping[str, str] = TESTED) -> Iterator[Check]:
    """Versions against those the project was tested with, one check in all, and torch against the GPUs there."""
    missing, other = [], []
    for name, version in tested.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if found.split("+")[0].split(".")[:2] != version.split(".")[:2]:
            other.append(f"{name} {found} (tested: {version})")
    what = "; ".join([*(f"{name} is missing" for name in missing), *other])
    yield Check(
        name="packages",
        ok=not what,
        what=what or ", ".join(f"{name} {version}" for name, version in tested.items()),
        fix="install what requirements.lock pins (`make setup`, or `pip install -r requirements.lock`)",
        serious=bool(missing),
    )
    gpus = _entries("/proc/driver/nvidia/gpus")
    if gpus and "torch" in tested and "torch" not in missing and metadata.version("torch").endswith("+cpu"):
        yield Check(
            name="GPU",
            ok=False,
            what=f"{len(gpus)} GPUs, and a torch without CUDA ({metadata.version('torch')})",
            fix="install torch with CUDA (https://pytorch.org/get-started), or the GPUs stay idle",
            serious=False,
        )


# -- the machine ---------------------------------------------------------------------------------


def open_files(soft: int, hard: int) -> Check:
    """Files that a process may hold open; Ray takes some for each worker and runs out with odd errors."""
    unlimited = soft == resource.RLIM_INFINITY
    enough = hard == resource.RLIM_INFINITY or hard >= FILES_ADVISED
    room = "" if enough else f" (here at most {hard:,}; root may raise it)"
    return Check(
        name="open files",
        ok=unlimited or soft >= FILES_ADVISED,
        what="no limit" if unlimited else f"at most {soft:,} in a process; {FILES_ADVISED:,} are advised",
        fix=f"ulimit -n {FILES_ADVISED}{room}; in docker --ulimit nofile={FILES_ADVISED}; on every node",
        serious=not unlimited and soft < FILES_NEEDED,
    )


def cores() -> Check:
    """Cores that this process may use, and a thread count that would make workers fight over them."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota()
    count = min(usable, quota) if quota else usable
    given = os.environ.get("OMP_NUM_THREADS", "")
    crowded = given.isdigit() and int(given) > max(1, int(count))
    threads = f"; OMP_NUM_THREADS={given}" if given else ""
    if crowded:
        fix = f"unset OMP_NUM_THREADS, or set at most {max(1, int(count))}: each phase is given its own threads"
    else:
        fix = "two cores or more: Ray's own processes need one beside the training"
    return Check(name="cores", ok=count >= 2 and not crowded, what=f"{count:g} usable{threads}", fix=fix, serious=False)


def memory(available_bytes: int) -> Check:
    """Memory that is left; Ray's helpers take about 1 GB before the first phase."""
    gigabytes = available_bytes / _GB
    return Check(
        name="memory",
        ok=gigabytes >= MEMORY_ADVISED_GB,
        what=f"{gigabytes:.1f} GB available; Ray takes about 1 GB, each phase its model several times",
        fix="free some memory, or give `resources: slots: 1`; under pressure Ray kills the newest phase",
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


# -- the store -----------------------------------------------------------------------------------


def store_writable(folder: Path) -> Check:
    """Whether the store's disk does what records and leases rest on: atomic renames and locks that exclude."""
    place = _existing(folder)
    try:
        with _scratch(place) as scratch:
            wrong = _atomic_rename(scratch) or _hard_lock(scratch)
    except OSError as error:
        wrong = f"not writable ({error.strerror or error})"
    return Check(
        name="store",
        ok=not wrong,
        what=f"{folder}: {wrong or 'writable, renames atomically, locks'}",
        fix="give `store:` a folder on a local disk, or on NFS 4 with locks",
    )


@contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    name = tempfile.mkdtemp(prefix=".xstilts-doctor-", dir=place)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _atomic_rename(scratch: Path) -> str:
    for text in ("old", "new"):
        (scratch / "written").write_text(text)
        os.replace(scratch / "written", scratch / "record")
    (scratch / "built").mkdir()
    os.rename(scratch / "built", scratch / "published")
    intact = (scratch / "record").read_text() == "new" and not (scratch / "written").exists()
    return "" if intact else "renames are not atomic"


def _hard_lock(scratch: Path) -> str:
    with open(scratch / "lock", "w") as first, open(scratch / "lock", "w") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return f"no file locks ({error.strerror})"
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return ""
        return "file locks do not exclude"


def disk(folder: Path, free_bytes: int) -> Check:
    """Room for checkpoints; a full disk loses nothing that has a record, but stops the run."""
    gigabytes = free_bytes / _GB
    return Check(
        name="disk",
        ok=gigabytes >= DISK_ADVISED_GB,
        what=f"{gigabytes:.1f} GB free for {folder}; a training keeps its model (XLM-R base: 1.1 GB)",
        fix="free some space, or give `store:` another disk",
        serious=gigabytes < DISK_NEEDED_GB,
    )


# -- tracking ------------------------------------------------------------------------------------


def tracking(uri: str | None) -> Check:
    """Whether MLflow can be reached; never serious, for a mirror can be made later."""
    if uri is None:
        return Check(name="tracking", ok=True, what="off")
    wrong = _database_wrong(uri) if uri.startswith("sqlite:") else _server_wrong(uri)
    return Check(
        name="tracking",
        ok=not wrong,
        what=f"{_without_password(uri)}: {wrong or 'there'}",
        fix="a run goes on without it; `xstilts track SWEEP` sends what is missing once it is there",
        serious=False,
    )


def _database_wrong(uri: str) -> str:
    path = Path(unquote(uri.removeprefix("sqlite:///").split("?")[0])).absolute()
    if not path.exists():
        place = _existing(path.parent)
        return "" if os.access(place, os.W_OK) else f"{place} is not writable"
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            database.close()
    except sqlite3.Error as error:
        return f"{error}; move it away, it is made again from the records"
    return "" if os.access(path, os.W_OK) else "not writable"


def _server_wrong(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        return "" if "://" in uri else "a folder, which MLflow does not write to any more; use sqlite:///FILE"
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in (401, 403) else f"answers {error.code}; is it an MLflow server?"
    except (OSError, ValueError) as error:
        return f"no answer ({getattr(error, 'reason', error)})"


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri


# -- reading the machine -------------------------------------------------------------------------


def _existing(path: Path) -> Path:
    """The nearest folder above `path`, or itself, that is there."""
    return next(p for p in (path, *path.parents) if p.is_dir())


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _cpu_quota() -> float | None:
    """Cores that the container may use (cgroup 2), where it is limited."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _available_memory() -> int:
    """Bytes that can be had: the machine's, or the container's where that is limited."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
    available = int(rows["MemAvailable"].split()[0]) * 1024
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return available
    return min(available, max(0, limit - used))

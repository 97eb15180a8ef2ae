"""What a machine needs for a sweep, checked before anything is spent: `xstilts doctor`.

Each check has a name, says what it found and, if something is wrong, what to do. A *serious*
problem would stop or ruin a run; the others are advice. Nothing is started, no cluster or server is
changed, and test files in the store are removed again.
"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from xstilts.checks.doctor import clusters, machine, packages, storage
from xstilts.checks.doctor.check import Check
from xstilts.store.phases import Store

__all__ = ["Check", "checks"]


def checks(
    store: Store | str | Path, tracking_uri: str | None, ray_address: str | None = None
) -> list[Check]:
    """All checks, in the order in which problems should be fixed. `ray_address` defaults to
    RAY_ADDRESS.
    """
    home = store if isinstance(store, Store) else Store(store)
    folder = home.path
    address = ray_address or os.environ.get("RAY_ADDRESS") or None
    return [
        *packages.packages(),
        clusters.extras(),
        clusters.authentication(address),
        clusters.clusters(address),
        *clusters.cluster(address),
        clusters.temporary_folder(),
        machine.open_files(*resource.getrlimit(resource.RLIMIT_NOFILE)),
        machine.cores(),
        machine.memory(machine.available_memory()),
        machine.shared_memory(Path("/dev/shm")),
        storage.store_writable(folder),
        *([storage.object_store(home)] if home.remote else []),
        storage.disk(folder, shutil.disk_usage(storage.existing(folder)).free),
        storage.tracking(tracking_uri),
    ]

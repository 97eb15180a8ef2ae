"""What a cluster needs, looked at before any money is spent: `xstilts cluster check`.

    rules      the file keeps the rules (`cluster_file`), is filled in, and what it copies is here
    access     the token, this shell's way of using it, the programs of this machine
    versions   what the file installs against what is installed here
    machines   the machines against the sweep: GPUs, their memory, spot, how many
    storage    the store is reached, and does what records and leases need

Each gives checks as the doctor's. Nothing is started and nothing costs money; a probe is written to
the store and removed again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.clusters import cluster_file
from xstilts.clusters.checking import access, machines, rules, storage, versions
from xstilts.planning import Plan

__all__ = ["checks"]


def checks(
    path: str | Path,
    plan: Plan | None = None,
    store: str | None = None,
    base: str = ".",
    environment: Mapping[str, str] = os.environ,
) -> list[Check]:
    """All checks of a cluster file, in the order in which problems should be fixed; with a plan,
    of the machines against it. InputError where Ray would not take the file.
    """
    file = cluster_file.read(path)
    return [
        *rules.checks(file),
        *access.checks(file, environment),
        *versions.checks(file),
        *machines.checks(file, plan, base),
        *storage.checks(file, store, plan.sweep.tracking if plan else None),
    ]

"""Placement groups without an owner, on a real cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.ray

ORPHAN = """
import time
import ray
from ray.util.placement_group import placement_group
from xstilts.driver import cluster, placement_groups
from xstilts.spec.sweep import Resources

with cluster.connected(Resources(slots=2)):
    group = placement_group([{"CPU": 1}])
    ray.get(group.ready())
    until = time.monotonic() + 30
    while not placement_groups.orphaned_groups() and time.monotonic() < until:
        time.sleep(0.2)
    orphans = placement_groups.orphaned_groups()
    assert orphans == {group.id.hex()}, orphans
    with placement_groups.reaper(every_seconds=0.2, grace=2):
        while placement_groups.orphaned_groups() and time.monotonic() < until:
            time.sleep(0.2)
    assert not placement_groups.orphaned_groups()
    print("freed")
"""


def test_placement_group_without_an_owner_is_freed() -> None:
    result = subprocess.run(
        [sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=180
    )
    assert "freed" in result.stdout, result.stderr[-3000:]

"""Placement groups that lost their owner, and a thread that frees them.

A Train run whose controller dies while its placement group is still pending leaves a group that
nobody owns. It would hold its GPUs until the job ends.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import ray


@contextlib.contextmanager
def reaper(every_seconds: float = 10.0, grace: int = 6) -> Iterator[None]:
    """Looks for orphaned groups from a thread, and frees those that were orphaned at `grace` looks
    in a row.
    """
    stop = threading.Event()
    seen: dict[str, int] = {}

    def loop() -> None:
        while not stop.wait(every_seconds):
            with contextlib.suppress(Exception):
                orphans = orphaned_groups()
                for group in list(seen):
                    if group not in orphans:
                        del seen[group]
                for group in orphans:
                    seen[group] = seen.get(group, 0) + 1
                    if seen[group] >= grace:
                        remove_group(group)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=1)  # while Ray does not answer, it can't end


def orphaned_groups() -> set[str]:
    """Ids of placement groups of this job in which no actor is alive."""
    from ray.util.state import list_actors, list_placement_groups

    job = ray.get_runtime_context().get_job_id()
    groups = list_placement_groups(filters=[("state", "=", "CREATED")], detail=True, limit=10000)
    used = {
        a.placement_group_id for a in list_actors(detail=True, limit=10000) if a.state != "DEAD"
    }
    return {g.placement_group_id for g in groups if g.creator_job_id == job} - used


def remove_group(group: str) -> None:
    """Frees one placement group."""
    from ray._raylet import PlacementGroupID
    from ray.util.placement_group import PlacementGroup, remove_placement_group

    remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(group))))

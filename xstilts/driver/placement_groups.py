"""Placement groups that lost their owner, and a thread that frees them.

A Train run whose controller dies while its placement group is still pending leaves a group that
nobody owns. It would hold its GPUs until the job ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ray

from xstilts.driver.ray_threads import asking


@contextmanager
def reaper(every_seconds: float = 10.0, grace: int = 6) -> Iterator[None]:
    """Looks for orphaned groups from a thread, and frees those that were orphaned at `grace` looks
    in a row.
    """
    seen: dict[str, int] = {}

    def look() -> None:
        orphans = orphaned_groups()
        for group in list(seen):
            if group not in orphans:
                del seen[group]
        for group in orphans:
            seen[group] = seen.get(group, 0) + 1
            if seen[group] >= grace:
                remove_group(group)

    with asking(look, every_seconds, "reaper"):
        yield


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

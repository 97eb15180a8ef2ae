"""Does the cluster file keep the rules, is it filled in, and is here what it copies?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.clusters import cluster_file
from xstilts.clusters.cluster_file import ClusterFile


def checks(file: ClusterFile) -> Iterator[Check]:
    """The file itself, and the files that it names."""
    yield _rules(file)
    yield _filled_in(file)
    yield _copied(file)


def _rules(file: ClusterFile) -> Check:
    found = list(cluster_file.problems(file))
    return Check(
        name="cluster file",
        ok=not found,
        what="; ".join(found)
        or f"{file.path}: {file.name} on {file.provider}; Ray takes it, and it keeps "
        f"{len(cluster_file.RULES)} rules",
        fix="correct the file; docs/clusters.md has each rule with its reason",
    )


def _filled_in(file: ClusterFile) -> Check:
    """What is left to fill in; a value that stands in several places is told once."""
    places: dict[str, list[str]] = {}
    for said in cluster_file.unfilled(file):
        place, _, value = said.partition(" is still ")
        places.setdefault(value.partition(";")[0], []).append(place)
    found = [
        f"{value} in {where[0]}" + (f" and {len(where) - 1} more" if where[1:] else "")
        for value, where in places.items()
    ]
    return Check(
        name="filled in",
        ok=not found,
        what="; ".join(found) or "nothing is left to fill in",
        fix="fill these in; the comments of the file say how to find each",
    )


def _copied(file: ClusterFile) -> Check:
    """Ray starts a machine before it notices that a file to copy is missing."""
    missing = [
        f"{there}: {here} is not here"
        for there, here in file.mounts.items()
        if there != cluster_file.TOKEN and not Path(here).expanduser().exists()
    ]
    return Check(
        name="files to copy",
        ok=not missing,
        what="; ".join(missing) or f"all {len(file.mounts)} of file_mounts are here",
        fix="make them as the comments at the top of the file say",
    )

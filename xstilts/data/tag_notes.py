"""What is odd about a task's tags, from its table of labels alone."""

from __future__ import annotations

import re

from xstilts.scoring import chunks
from xstilts.spec.task import Task

SHOWN = 3
"""Tags that a note names."""
_OTHERWISE = re.compile(r"[BIESLUMWbieslumw][-_:/. ](?P<after>.+)|(?P<before>.+)[-_:/. ][BIESLUMW]")
"""A position that is written otherwise than `B-PER`: `b-PER`, `B_PER`, `PER-B`."""


def unprefixed(task: Task) -> str:
    """A warning where a task's metric counts chunks and some of its tags have no position; empty
    where all is well.
    """
    counted = task.spec.label_kind == "tags" and task.metric in chunks.METRICS
    tags = chunks.unprefixed_tags(task.labels) if counted else ()
    if not tags:
        return ""
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    have = "has" if len(tags) == 1 else "have"
    return (
        f"{task.name}: {task.metric} counts chunks, and {', '.join(tags[:SHOWN])}{more} {have} no "
        "position such as B- or I-: a run of one tag counts as one chunk; give positions, or score "
        "by token_accuracy"
    )


def respelled(task: Task) -> str:
    """A doubt where positions are written in another way, so that a chunk of several words counts
    as several or runs into its neighbour; empty where all is well.
    """
    counted = task.spec.label_kind == "tags" and task.metric in chunks.METRICS
    tags = chunks.unprefixed_tags(task.labels) if counted else ()
    found = [tag for tag in tags if _OTHERWISE.fullmatch(tag)]
    if len(found) < 2 or len(found) < len(tags):
        return ""
    match = _OTHERWISE.fullmatch(found[0])
    kind = match and (match["after"] or match["before"])
    return (
        f"{task.metric} reads positions as in `B-{kind}`, and the tags have them otherwise "
        f"({', '.join(found[:SHOWN])}), so that each tag counts as a type of its own and scores "
        f"are wrong: write `B-{kind}`"
    )

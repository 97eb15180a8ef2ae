"""What is odd about a task's tags, from its table of labels alone."""

from __future__ import annotations

from xstilts.scoring import chunks
from xstilts.spec.task import Task

SHOWN = 3
"""Tags that a note names."""


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

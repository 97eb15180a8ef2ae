"""The size of a plan: distinct phases, and what sharing them saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from xstilts.planning.plan import Plan, Slot
from xstilts.planning.spaces import largest
from xstilts.spec.stages import TRAINED_KINDS, PhaseKind
from xstilts.spec.sweep import Sweep

KINDS: tuple[PhaseKind, ...] = (*TRAINED_KINDS, "evaluate")


def phases(plan: Plan) -> dict[PhaseKind, int]:
    """Distinct phases by kind."""
    counts = Counter(slot.kind for slot in plan.distinct().values())
    return {kind: counts[kind] for kind in KINDS}


def unshared(plan: Plan) -> Iterator[tuple[Slot, int]]:
    """Intermediate and target trainings, each with how often it would run if pairs shared nothing.

    In the joint order a pair has its own intermediate trainings anyway. Retrieval targets share an
    intermediate in both orders.
    """
    groups = len({slot.target for slot in plan.slots if slot.kind == "target"})
    joint = plan.sweep.search.order == "joint"
    starts = _starts(plan.sweep)
    for slot in plan.slots:
        if slot.kind == "intermediate":
            yield slot, 1 if joint else max(1, groups) * starts[slot.intermediates]
        elif slot.kind == "target":
            yield slot, len(slot.targets)


def _starts(sweep: Sweep) -> Counter[tuple[str, ...]]:
    """Stages to the number of intermediates that begin with them."""
    stages = [sweep.stages(label) for label in sweep.labels]
    return Counter(one[:n] for one in stages for n in range(1, len(one) + 1))


def saved(plan: Plan) -> dict[str, int]:
    """Trainings that sharing saves, by kind."""
    alone: Counter[str] = Counter()
    for slot, times in unshared(plan):
        alone[slot.kind] += times
    counts = phases(plan)
    return {
        "intermediate": alone["intermediate"] - counts["intermediate"],
        "target": alone["target"] - counts["target"],
    }


def examples(plan: Plan) -> int:
    """Training examples of all distinct phases: an upper bound."""
    by_task: dict[tuple[str, str], int] = {}
    total = 0
    for slot in plan.distinct().values():
        if slot.kind != "evaluate":
            key = (slot.kind, slot.targets[0] if slot.kind == "target" else slot.task)
            if key not in by_task:
                hyper = largest(plan.settings(slot))
                by_task[key] = hyper.steps * hyper.batch_size
            total += by_task[key]
    return total


def summary(plan: Plan) -> dict[str, Any]:
    """What `xstilts plan --json` prints of the plan alone."""
    counts = phases(plan)
    return {
        "sweep": plan.sweep.name,
        "version": plan.sweep.version,
        "phases": sum(counts.values()),
        "trainings": {kind: counts[kind] for kind in TRAINED_KINDS},
        "evaluations": counts["evaluate"],
        "slots": len(plan.slots),
        "studies": len(plan.studies),
        "trials_per_study": sorted({study.trials for study in plan.studies.values()}),
        "shared_savings": saved(plan),
        "examples": examples(plan),
        "exact": all(not study.space or study.grid for study in plan.studies.values()),
    }

"""The best configuration of each search, as values for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xstilts.errors import StoreError
from xstilts.results.lineage import Lineage
from xstilts.results.summary import Searched
from xstilts.spec.described import rates, transforms
from xstilts.spec.task import Task
from xstilts.store.results import DevScore

SHOWN = ("lr", "steps", "batch_size")
"""Hyperparameters with a column of their own."""


def configuration(search: Searched, lineage: Lineage) -> dict[str, Any]:
    """What a search chose, from the record of the chosen phase, with its trials; for a mixture also
    its rates and its heads.
    """
    spec = lineage.spec(search.chosen.phase) if search.chosen else None
    params = dict(search.chosen.params) if search.chosen else {}
    hyper = {name: getattr(spec.hyper, name) if spec else params.get(name) for name in SHOWN}
    others = {name: value for name, value in params.items() if name not in SHOWN}
    tasks = [member.task for member in spec.members] if spec else []
    several = spec is not None and len(tasks) > 1
    dev = _dev(lineage, search.chosen.phase) if search.chosen else None
    made = [f"rates: {rates(spec.rates)}; {spec.heads} heads"] if several and spec else []
    return {
        "search": search,
        "counts": search.counts,
        "hyper": hyper,
        "others": others,
        "value": dev.value if dev else None,
        "metric": "mean of its tasks" if several else tasks[0].metric if tasks else "",
        "made": [*made, *filter(None, [transforms(tasks)])],
        "members": _members(lineage, search.chosen.phase, tasks)
        if several and search.chosen
        else [],
    }


def _dev(lineage: Lineage, phase: str) -> DevScore | None:
    """Development score of a training, from its record; None where it can't be read."""
    try:
        return lineage.store.phase(phase).record().trained.dev
    except StoreError:
        return None


def _members(lineage: Lineage, phase: str, tasks: Sequence[Task]) -> list[tuple[str, str, float]]:
    """Task, metric and development score of each member of a mixture, at the step whose weights
    were kept.
    """
    dev = _dev(lineage, phase)
    metrics = dev.metrics if dev else {}
    return [
        (t.name, t.metric, float(metrics[t.name][t.metric]))
        for t in tasks
        if t.metric in metrics.get(t.name, {})
    ]

"""A plan's schedule on a cluster that one has in mind: `xstilts plan --nodes`."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import InputError
from xstilts.planning import Plan
from xstilts.spec.gpus import gpu_name
from xstilts.spec.sweep import Sweep
from xstilts.store.local_files import write_bytes

if TYPE_CHECKING:
    from xstilts.checks.costs.clusters import Simulated


def on_nodes(
    plan: Plan,
    nodes: str,
    *,
    utilisation: float,
    base: str,
    slots_per_gpu: int | None,
    prices: Sequence[float],
    done: AbstractSet[str],
) -> Simulated:
    """The schedule of what is left of a plan. InputError for nodes or prices that can't be read."""
    from xstilts.checks.costs.clusters import gpus_of, on_cluster

    gpus = gpus_of(nodes, prices)
    if not prices:
        gpus = gpus_of(nodes, _prices(plan.sweep, [one.kind for one in gpus]))
    return on_cluster(
        plan, gpus, utilisation=utilisation, base=base, slots_per_gpu=slots_per_gpu, done=done
    )


def _prices(sweep: Sweep, kinds: Sequence[str]) -> list[float]:
    """The budget's prices of these kinds; empty where one has none."""
    prices = sweep.budget.price_per_gpu_hour
    if prices is None or not isinstance(prices, dict):
        return [] if prices is None else [prices]
    by_kind = {gpu_name(kind): price for kind, price in prices.items()}
    found = [by_kind[kind] for kind in kinds if kind in by_kind]
    return found if len(found) == len(kinds) else []


def draw(plan: Plan, simulated: Simulated, to: str | os.PathLike[str]) -> None:
    """Draws the schedule. InputError for a file that is no picture, StoreError where it can't be
    written.
    """
    from xstilts.results.figures.gantt import gantt
    from xstilts.results.figures.style import png, svg

    file = Path(to)
    as_bytes = {".png": png, ".svg": svg}.get(file.suffix.lower())
    if as_bytes is None:
        raise InputError(f"{file}: the picture of a schedule is a .png or an .svg")
    nodes = ", ".join(map(str, simulated.asked.gpus))
    title = f"{plan.sweep.name} on {nodes}: {simulated.asked.hours:.1f} hours, simulated"
    figure = gantt(simulated.asked.schedule, plan.sweep.labels, title)
    write_bytes(file, as_bytes(figure))

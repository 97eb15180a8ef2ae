"""Rules for `resources:` and `budget:`: what phases may hold, and what may be spent on them.

As in `sweep_rules`, each notes its problems in the document and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xstilts.errors import InputError, nearest
from xstilts.spec.gpus import GPUS, gpu_name
from xstilts.spec.sweep import Budget, Resources
from xstilts.sweep_file.yaml_document import Document, Path, path_text


def gpus(document: Document, clean: Mapping[str, Any]) -> None:
    """The kinds of GPU, and how much of one a worker holds."""
    resources = clean.get("resources")
    if not isinstance(resources, Resources):
        return
    several = not isinstance(resources.gpu, str)
    for i, name in enumerate(resources.gpus):
        path = ("resources", "gpu", i) if several else ("resources", "gpu")
        _gpu(document, path, name)
    held = resources.gpus_per_worker
    path = ("resources", "gpus_per_worker")
    if held > 1:
        need = "must be at most 1: a worker computes on one GPU; more GPUs are more `workers`"
        document.complain(path, f"resources.gpus_per_worker is {held:g}; {need}")
    elif resources.workers > 1 and 0 < held < 1:
        need = (
            f"must be 1 for {resources.workers} workers: NCCL refuses two workers of one training "
            "on the same GPU"
        )
        document.complain(path, f"resources.gpus_per_worker is {held:g}; {need}")


def _gpu(document: Document, path: Path, name: str) -> None:
    try:
        gpu_name(name)
    except InputError:
        must = f"must be a GPU that the estimate knows{nearest(name, GPUS)}"
        document.complain(path, f'{path_text(path)} is "{name}"; {must}')


def budget(document: Document, clean: Mapping[str, Any]) -> None:
    """A limit must be one that something is counted for, and money needs prices."""
    budget, resources = clean.get("budget"), clean.get("resources", Resources())
    if not isinstance(budget, Budget) or not isinstance(resources, Resources):
        return
    prices = budget.price_per_gpu_hour
    for limit in ("gpu_hours", "money"):
        if getattr(budget, limit) is not None and not resources.gpus_per_worker:
            need = "no phase holds a GPU, so nothing would be counted: give `resources: "
            document.complain(
                ("budget", limit), f"budget.{limit}: {need}{{gpus_per_worker: 1}}`, or `hours`"
            )
    if budget.money is not None and prices is None:
        need = "needs budget.price_per_gpu_hour, a number, or one for each kind of GPU"
        document.complain(("budget", "money"), f"budget.money {need}")
    if isinstance(prices, dict):
        _prices(document, prices, resources)


def _prices(document: Document, prices: Mapping[str, float], resources: Resources) -> None:
    """Prices by kind of GPU: one for each kind that phases may run on."""
    at = ("budget", "price_per_gpu_hour")
    for name, price in prices.items():
        _gpu(document, (*at, name), name)
        if price <= 0:
            document.complain(
                (*at, name), f"{path_text((*at, name))} is {price:g}; must be above 0"
            )
    priced = {_spelt(name) for name in prices}
    missing = [name for name in resources.gpus if _spelt(name) not in priced]
    if missing:
        document.complain(at, f"budget.price_per_gpu_hour has no price for {', '.join(missing)}")
    elif not resources.gpus:
        need = "so `resources: {gpu: ...}` must say which kinds are used"
        document.complain(at, f"budget.price_per_gpu_hour has prices by kind of GPU, {need}")


def _spelt(name: str) -> str:
    """A GPU's name as `GPUS` has it; one that is not there as it is."""
    try:
        return gpu_name(name)
    except InputError:
        return name

"""The machines of a cluster file against what a sweep asks for.

A phase that fits on no machine waits without end while the cluster costs money; a GPU that no phase
asks for costs it for nothing. Whether the cloud gives as many machines as the file may start can't
be known from here, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from xstilts.checks.doctor.check import Check
from xstilts.clusters import gpu_memory
from xstilts.clusters.cluster_file import ClusterFile, NodeType
from xstilts.planning import Plan
from xstilts.spec.gpus import ray_names
from xstilts.spec.sweep import Resources

LONG_IDLE_MINUTES = 60
NEARLY_FULL = 0.8
_KIND = "ray.io/accelerator-type"


def checks(file: ClusterFile, plan: Plan | None, base: str) -> Iterator[Check]:
    """All checks of the machines; those against a sweep where there is one."""
    yield _head(file)
    yield _idle(file)
    if file.provider != "local":
        yield _workers(file)
    if plan is not None and file.provider != "local":
        yield _fits(file, plan.sweep.resources)
        if plan.sweep.resources.workers > 1:
            yield _trial_slots(file, plan.sweep.resources)
        yield _idle_gpus(file, plan.sweep.resources)
        yield from _memory(file, plan, base)
    elif plan is None:
        yield Check(name="sweep", ok=True, what="none given; give one to check the GPUs against it")
    yield _quota(file)


def started(file: ClusterFile) -> list[NodeType]:
    """The kinds of workers that may be started at all."""
    return [one for one in file.workers if one.max_workers > 0]


def is_spot(one: NodeType) -> bool:
    """Whether the cloud may take such a machine away for its price."""
    scheduling = one.node.get("scheduling") or {}
    for entry in scheduling if isinstance(scheduling, list) else [scheduling]:
        if entry.get("preemptible") or entry.get("provisioningModel") == "SPOT":
            return True
    return (one.node.get("InstanceMarketOptions") or {}).get("MarketType") == "spot"


def gpu_kind(one: NodeType) -> str | None:
    """The kind of a machine's GPU, as Ray calls it; None where the file does not say."""
    if one.labels.get(_KIND):
        return str(one.labels[_KIND])
    named = (re.fullmatch(r"accelerator_type:(.+)", name) for name in one.resources)
    return next((match[1] for match in named if match), None)


def _head(file: ClusterFile) -> Check:
    spot = is_spot(file.head)
    return Check(
        name="head",
        ok=not spot,
        what=f"{file.head.name} is a spot machine: with it go the driver, MLflow and its database"
        if spot
        else "on demand"
        if file.provider != "local"
        else "a machine of yours",
        fix=f"take the spot option out of available_node_types.{file.head.name}",
    )


def _idle(file: ClusterFile) -> Check:
    long = file.idle_minutes > LONG_IDLE_MINUTES
    return Check(
        name="idle machines",
        ok=not long,
        what=f"are taken down after {file.idle_minutes:g} minutes"
        + (", for which each of them costs" if long else ""),
        fix=f"idle_timeout_minutes of 5 to {LONG_IDLE_MINUTES}",
        serious=False,
    )


def _workers(file: ClusterFile) -> Check:
    may = sum(one.max_workers for one in started(file))
    wrong = ""
    if not may or not file.max_workers:
        wrong = "no worker may ever be started: max_workers is 0"
    elif all(is_spot(one) for one in started(file)):
        wrong = "all workers are spot machines: when the cloud has none, the sweep waits"
    return Check(
        name="workers",
        ok=not wrong,
        what=wrong
        or f"at most {min(may, file.max_workers)}: "
        + ", ".join(f"{one.max_workers} {one.name}" for one in started(file)),
        fix="give max_workers, of the cluster and of a kind of machine, a number above 0"
        if not may or not file.max_workers
        else "let a kind of machine on demand have some too, if a deadline matters",
        serious=not may or not file.max_workers,
    )


def _fits(file: ClusterFile, wanted: Resources) -> Check:
    """Whether the workers of a phase find places: each on one machine, all at once."""
    places = _places(file, wanted)
    asks = f"{wanted.workers} x ({wanted.cpus_per_worker} CPU"
    kinds = f" of {' or '.join(wanted.gpus)}" if wanted.gpus else ""
    asks += f", {wanted.gpus_per_worker:g} GPU{kinds})" if wanted.gpus_per_worker else ")"
    has = ", ".join(
        f"{one.name}: "
        + " ".join(f"{one.resources[n]:g} {n}" for n in ("CPU", "GPU") if n in one.resources)
        + (f" ({gpu_kind(one)})" if gpu_kind(one) else "")
        for one in started(file)
    )
    return Check(
        name="room for a phase",
        ok=places >= wanted.workers,
        what=f"a phase asks for {asks}; "
        + (
            f"{places // wanted.workers} fit at once"
            if places >= wanted.workers
            else f"the largest cluster has no room for it ({has or 'no workers'})"
        ),
        fix="lower `resources:` in the sweep file, or take larger machines or more of them; "
        "otherwise every phase waits without end",
    )


def _places(file: ClusterFile, wanted: Resources) -> int:
    """Workers that find a place on the largest cluster; those of one kind of machine may need more
    machines than all kinds together may have.
    """
    places, left = 0, file.max_workers
    for one in sorted(started(file), key=lambda one: -_on_one(one, wanted)):
        machines = min(one.max_workers, left)
        places, left = places + machines * _on_one(one, wanted), left - machines
    return places


def _on_one(one: NodeType, wanted: Resources) -> int:
    """Workers that find a place on one machine."""
    if not _right_kind(one, wanted):
        return 0
    room = [one.resources.get("CPU", 0) // wanted.cpus_per_worker]
    if wanted.gpus_per_worker:
        room.append(one.resources.get("GPU", 0) // wanted.gpus_per_worker)
    return int(min(room))


def _right_kind(one: NodeType, wanted: Resources) -> bool:
    """Whether a machine's GPUs are of a kind that the sweep asks for, as far as the file says."""
    kind, kinds = gpu_kind(one), [name for gpu in wanted.gpus for name in ray_names(gpu)]
    return not wanted.gpus_per_worker or not kinds or kind is None or kind in kinds


def _trial_slots(file: ClusterFile, wanted: Resources) -> Check:
    """Phases of several workers each hold one of the head's `trial_slot`."""
    has = file.head.resources.get("trial_slot")
    fit = _places(file, wanted) // wanted.workers
    few = has is not None and has < fit
    return Check(
        name="trial slots",
        ok=not few,
        what=f"{has:g} on the head, and {fit} phases fit at once"
        if has is not None
        else "given when Ray is started",
        fix=f"`trial_slot: {max(fit, 64)}` in the resources of {file.head.name}",
        serious=False,
    )


def _idle_gpus(file: ClusterFile, wanted: Resources) -> Check:
    with_gpus = [one.name for one in started(file) if one.resources.get("GPU", 0) > 0]
    idle = bool(with_gpus) and not wanted.gpus_per_worker
    return Check(
        name="GPUs",
        ok=not idle,
        what=f"{', '.join(with_gpus)}: the sweep asks for no GPU, so they would be paid and idle"
        if idle
        else "asked for as the machines have them"
        if with_gpus
        else "none, and none asked for",
        fix="`resources: {gpus_per_worker: 1}` in the sweep file, or machines without GPUs",
        serious=False,
    )


def _memory(file: ClusterFile, plan: Plan, base: str) -> Iterator[Check]:
    """Whether the largest training fits into the GPUs' memory."""
    share = min(plan.sweep.resources.gpus_per_worker, 1.0)
    if not share:
        return
    for one in started(file):
        if one.resources.get("GPU", 0) <= 0 or not _right_kind(one, plan.sweep.resources):
            continue
        kind = gpu_kind(one)
        need, unknown = gpu_memory.most_needed(plan, kind, base)
        size = gpu_memory.GIGABYTES.get(kind or "")
        sorry = "" if not unknown else f"; not known here: {', '.join(unknown)}"
        if need is None or size is None:
            why = f"{kind or 'a kind that the file does not say'}" if need else "no size of a model"
            yield Check(name=f"memory of {one.name}", ok=True, what=f"can't be told: {why}{sorry}")
            continue
        has = size * share
        yield Check(
            name=f"memory of {one.name}",
            ok=need.gigabytes <= NEARLY_FULL * has,
            what=f"{need.model} on {need.task} needs {need.gigabytes:.1f} GB at least, of "
            f"{has:g} GB ({kind}){sorry}",
            fix="give a larger GPU, a larger `grad_accumulation`, more workers a phase, or "
            "`resources: {gradient_checkpointing: true}`",
            serious=need.gigabytes > has,
        )


def _quota(file: ClusterFile) -> Check:
    kinds = [
        f"{one.max_workers} x {one.node.get('InstanceType') or one.node.get('machineType') or '?'}"
        f"{' spot' if is_spot(one) else ''}"
        for one in started(file)
    ]
    if file.provider == "local":
        what = "machines of yours; whether they are up is seen by `ray up`"
    else:
        what = (
            f"not known from here: whether the cloud lets you have {', '.join(kinds) or 'workers'} "
            "(GPU quotas often begin at 0); see its page of quotas before the first `ray up`"
        )
    return Check(name="quota", ok=True, what=what)

"""Runs one phase, a training or an evaluation, until its record is written.

    train     spec -> model + data -> batch plan -> loop -> best weights -> model/ -> record
    evaluate  spec -> checkpoint + data -> predictions of every language -> scores -> record

The same function runs in a reused process, phase after phase, and in each worker of a Ray Train
group. It takes no lease: the caller does.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from xstilts.errors import PhaseError
from xstilts.evaluation import evaluate
from xstilts.sources.context import DataContext
from xstilts.store.local_files import store_error
from xstilts.store.phases import Phase, Store
from xstilts.store.results import Provenance, Result
from xstilts.training.training import Training
from xstilts.workers import process
from xstilts.workers.context import Context, Report, Reporter

if TYPE_CHECKING:
    from xstilts.spec.phase import PhaseSpec
    from xstilts.workers.process import World

__all__ = ["Context", "Report", "Reporter", "run_phase"]


def run_phase(
    spec: PhaseSpec, worker: Context, report: Reporter, sure: Callable[[], None] = lambda: None
) -> str:
    """Runs a phase to its record; returns "done", or "pruned" if `report` returned False.

    Several workers all call this, and `report` is called on all of them at the same steps; any
    False stops all. A phase that has a record and its checkpoint returns "done" at once. `sure` is
    called before anything is kept, and raises LeaseLost where the phase is another worker's. Raises
    PhaseError, DataError, StoreError, CorruptError.
    """
    store = Store(worker.store)
    phase = store.phase(spec.id, sure)
    world = process.world()
    if world.from_first(phase.complete):
        return "done"
    _check(spec)
    started = time.time()
    with process.clean(world, seed=spec.seed, threads=worker.threads):
        try:
            result = _run(spec, phase, store, worker, world, report)
            if result is not None:
                provenance = process.provenance(world, threads=worker.threads, started=started)
                world.on_first(partial(phase.finish, spec, result, Provenance(**provenance)))
        except OSError as error:
            if _of_store(error, store):
                raise store_error(error, phase.where) from error
            raise
    return "pruned" if result is None else "done"


def _of_store(error: OSError, store: Store) -> bool:
    """Whether an error is the store's: the disk is full or not writable, or the file lies in it."""
    disk = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return disk or str(error.filename or "").startswith(str(store.path))


def _check(spec: PhaseSpec) -> None:
    for member in spec.members:
        if spec.action == "train" and not member.task.trainable:
            raise PhaseError(
                f"task {member.task.name}: {member.task.format} can't be trained; evaluate "
                "it on a checkpoint instead"
            )


def _run(
    spec: PhaseSpec, phase: Phase, store: Store, worker: Context, world: World, report: Reporter
) -> Result | None:
    context = DataContext(mirror=worker.mirror, base=worker.base, cache=str(store.data))
    if world.first:
        phase.begin(spec)
    if spec.action == "evaluate":

        def agreed(one: Report) -> bool:
            return world.all_agree(report(one))

        return evaluate.run(spec, phase, store, context, world, agreed)
    return Training(spec, phase, store, context, world, worker, report).run()

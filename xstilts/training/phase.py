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
from xstilts.training.training import Ended, Training
from xstilts.workers import process
from xstilts.workers.context import Answer, Context, Report, Reporter

if TYPE_CHECKING:
    from xstilts.spec.phase import PhaseSpec
    from xstilts.workers.process import World

__all__ = ["Answer", "Context", "Report", "Reporter", "run_phase"]


def run_phase(
    spec: PhaseSpec, worker: Context, report: Reporter, sure: Callable[[], None] = lambda: None
) -> str:
    """Runs a phase to its record; returns "done". What `report` answers may end it before: it
    returns "pruned" at STOP, and at LEAVE, having kept a partial checkpoint, "left".

    Several workers all call this, and `report` is called on all of them at the same steps; the
    lowest answer counts on all. A phase that has a record and its checkpoint returns "done" at
    once. `sure` is called before anything is kept, and raises LeaseLost where the phase is another
    worker's. Raises PhaseError, DataError, StoreError, CorruptError.
    """
    store = Store(worker.store).has_answered()
    phase = store.phase(spec.id, sure)
    world = process.world()
    if world.from_first(phase.complete):
        return "done"
    _check(spec)
    started = time.time()
    with process.clean(world, seed=spec.seed, threads=worker.threads):
        try:
            if not world.on_first(partial(phase.begin, spec)):
                return "done"  # since it was looked at, by whoever had it before
            result = _run(spec, phase, store, worker, world, report)
            if not isinstance(result, str):
                provenance = process.provenance(world, threads=worker.threads, started=started)
                world.on_first(partial(phase.finish, spec, result, Provenance(**provenance)))
        except OSError as error:
            if _of_store(error, store):
                raise store_error(error, phase.where) from error
            raise
    return result if isinstance(result, str) else "done"


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
) -> Result | Ended:
    context = DataContext(mirror=worker.mirror, base=worker.base, cache=str(store.data))
    if spec.action == "evaluate":
        answers: list[int] = []

        def agreed(one: Report) -> int:
            answers.append(world.lowest(int(report(one))))
            return answers[-1]

        evaluated = evaluate.run(spec, phase, store, context, world, agreed)
        return evaluated or ("left" if answers[-1] == Answer.LEAVE else "pruned")
    return Training(spec, phase, store, context, world, worker, report).run()

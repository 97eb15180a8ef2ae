"""Before anything is spent: is the sweep all right, and what will it cost?"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xstilts.api import inputs, notes
from xstilts.api.done_already import done_already
from xstilts.api.given import AnySweep
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.schedules import draw, on_nodes
from xstilts.api.verb_values import CheckResult, PlanResult
from xstilts.errors import InputError, Problem, SweepError
from xstilts.planning import Plan
from xstilts.planning.filling import trained_tasks
from xstilts.sweep_file.yaml_document import Path, line_in

if TYPE_CHECKING:
    from xstilts.checks.audit.cards import Finding
    from xstilts.sources.context import DataContext


def check(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    leaks: bool = True,
) -> CheckResult:
    """Checks the whole file, the data, the models and the store. Raises SweepError with all that is
    wrong.

    The returned value says what each source resolves to, where data differs from its card and, with
    `leaks`, which evaluation rows are among training rows. The first look for leaks hashes every
    row; later ones reuse the hashes.
    """
    opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking)
    return check_opened(opened, leaks=leaks)


def check_opened(
    opened: Opened, *, leaks: bool = True, tell: Callable[[str], None] = lambda doing: None
) -> CheckResult:
    """Checks a sweep that is open already; `tell` is told what is being done."""
    from xstilts.checks.audit import doubted, leaks as leak_search, model_fit, revisions
    from xstilts.sources import hub

    plan, context = opened.plan, opened.context
    tell("checking the data and the models")
    looked, fit = inputs.look(plan, context), model_fit.fit(plan, context)
    wrong = [
        *(_at(opened.file, misfit.path, misfit.message) for misfit in fit.misfits),
        *(
            Problem(message=message, file=opened.file)
            for message in hub.told_once(looked.problems or opened.unread_labels.splitlines())
        ),
    ]
    if wrong:
        raise SweepError(wrong)
    reads = revisions.reads(plan, context, looked.facts)
    tell("looking for leaks")
    return CheckResult(
        opened.sweep,
        [*notes.of_plan(plan), *fit.notes, *notes.of_data(plan, reads, context)],
        sources=reads,
        models=revisions.models(plan, context),
        rows=looked.facts,
        doubts=doubted.doubts(plan, looked.facts, context),
        findings=_findings(plan, context),
        leaks=leak_search.find(plan, context) if leaks else None,
    )


def _at(file: str | None, path: Path, message: str) -> Problem:
    """A problem with its line in the sweep file, where the file still is what was read."""
    return Problem(message=message, file=file, line=line_in(file, path))


def _findings(plan: Plan, context: DataContext) -> list[Finding]:
    """Where data differs from its card, without repetitions."""
    from xstilts.checks.audit import cards

    found = [
        f
        for name in trained_tasks(plan)
        for f in cards.compare(plan.sweep.task(name), "train", context)
    ]
    found += [
        f
        for name in plan.sweep.targets
        for f in cards.compare(plan.sweep.task(name), "evaluate", context)
    ]
    return list(dict.fromkeys(found))


def plan(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    gpu: str | None = None,
    mfu: float | None = None,
    nodes: str | None = None,
    slots_per_gpu: int | None = None,
    prices: Sequence[float] = (),
    gantt: str | os.PathLike[str] | None = None,
) -> PlanResult:
    """The plan, how much of it has a record already, and what it will cost. Writes nothing but the
    picture that is asked for, and asks no hub.

    Sizes are those of cards, so that there is a plan whatever is on this machine; what is done
    already is counted as far as the data are here (`PlanResult.done`). `gpu` names the GPU of the
    estimate (default: `resources.gpu`), `mfu` the share of its peak that is reached.

    `nodes` (`4xA100-80GB,2xL4`) simulates the schedule of what is left on a cluster, with
    `slots_per_gpu` phases on a GPU (default: what `resources` says) and `prices` of a GPU for an
    hour (default: the budget's); `gantt` is a file for its picture, `.png` or `.svg`. InputError
    for an unknown GPU, or nodes on which no phase fits.
    """
    from xstilts.checks.costs.estimates import DEFAULT_UTILISATION, estimate

    if gantt is not None and nodes is None:
        raise InputError("a picture of the schedule needs nodes to run on, such as 4xA100-80GB")
    opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking, labels=False)
    utilisation = DEFAULT_UTILISATION if mfu is None else mfu
    cost = estimate(opened.plan, gpu=gpu, utilisation=utilisation, base=opened.context.base)
    done = done_already(opened)
    found = PlanResult(opened.plan, done, notes.of_plan(opened.plan), cost)
    if nodes is None:
        return found
    simulated = on_nodes(
        opened.plan,
        nodes,
        utilisation=utilisation,
        base=opened.context.base,
        slots_per_gpu=slots_per_gpu,
        prices=prices,
        done=done.slots,
    )
    if gantt is not None:
        draw(opened.plan, simulated, gantt)
    return replace(found, simulated=simulated)

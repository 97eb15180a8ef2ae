"""Before anything is spent: is the sweep all right, and what will it cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.api import inputs, notes
from xstilts.api.given import AnySweep
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.verb_values import CheckResult, PlanResult
from xstilts.errors import Problem, SweepError
from xstilts.planning import Plan, make_plan
from xstilts.planning.filling import known_ids, trained_tasks
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Ledger
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


def check_opened(opened: Opened, *, leaks: bool = True) -> CheckResult:
    """Checks a sweep that is open already."""
    from xstilts.checks.audit import doubted, leaks as leak_search, model_fit, revisions

    plan, context = opened.plan, opened.context
    looked, fit = inputs.look(plan, context), model_fit.fit(plan, context)
    wrong = [
        *(_at(opened.file, misfit.path, misfit.message) for misfit in fit.misfits),
        *(
            Problem(message=message, file=opened.file)
            for message in looked.problems or opened.unread_labels.splitlines()
        ),
    ]
    if wrong:
        raise SweepError(wrong)
    reads = revisions.reads(plan, context, looked.facts)
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
) -> PlanResult:
    """The plan, how much of it has a record already, and what it will cost. Writes nothing.

    Reads only the revisions of the data. `gpu` names the GPU of the estimate (default:
    `resources.gpu`), `mfu` the share of its peak that is reached. InputError for an unknown GPU.
    """
    from xstilts.checks.costs.estimates import DEFAULT_UTILISATION, estimate

    opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking, labels=False)
    utilisation = DEFAULT_UTILISATION if mfu is None else mfu
    cost = estimate(opened.plan, gpu=gpu, utilisation=utilisation, base=opened.context.base)
    return PlanResult(opened.plan, _cached(opened), notes.of_plan(opened.plan), cost)


def _cached(opened: Opened) -> int:
    """Distinct phases of the plan that have a record: those in the ledger, and those whose id does
    not depend on a search.
    """
    done = opened.store.done()
    if not done:
        return 0
    ledger = Ledger(opened.folder)
    in_ledger = {entry.phase for entry in ledger.entries() if entry.phase in done}
    return len(in_ledger | (_known_ids(opened.sweep, opened.context) & done))


def _known_ids(sweep: Sweep, context: DataContext) -> set[str]:
    """Ids of the phases that do not depend on a search."""
    labelled = make_plan(inputs.with_labels(sweep, context))
    return known_ids(labelled, inputs.resolve(labelled, context))

"""Before anything is spent: is all well with a sweep, and what will it cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.api import inputs, notes
from xstilts.api.opened import AnySweep, base_of, file_of, load
from xstilts.api.verb_values import Checked, Planned
from xstilts.errors import Problem, SweepError
from xstilts.planning import Plan, make
from xstilts.planning.filling import known_ids, trained_tasks
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store

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
) -> Checked:
    """Looks at the whole file, the data, the models and the store. Raises SweepError with all that
    is wrong.

    What is odd and no error is told: what each source resolves to, where data differs from its
    card, evaluation rows that stand in training rows (with `leaks`; the first look hashes every
    row, later ones do not).
    """
    from xstilts.checks.audit import leaks as leaking, revisions

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    context = inputs.data_context(sweep, loaded, Store(loaded.store).prepare())
    made = make(inputs.labelled(loaded, context))
    wrong = dict.fromkeys(inputs.problems(made, context))
    if wrong:
        raise SweepError([Problem(message=message, file=file_of(sweep)) for message in wrong])
    reads = revisions.reads(made, context)
    return Checked(
        loaded,
        [*notes.of_plan(made), *notes.of_data(made, reads, context)],
        sources=reads,
        models=revisions.models(made, context),
        findings=_findings(made, context),
        leaks=leaking.find(made, context) if leaks else None,
    )


def _findings(made: Plan, context: DataContext) -> list[Finding]:
    """Where data differs from its card, each said once."""
    from xstilts.checks.audit import cards

    found = [
        f
        for name in trained_tasks(made)
        for f in cards.compare(made.sweep.task(name), "train", context)
    ]
    found += [
        f
        for name in made.sweep.targets
        for f in cards.compare(made.sweep.task(name), "evaluate", context)
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
) -> Planned:
    """The plan, how much of it has a record already, and what it will cost. Writes nothing.

    Reads no data but its revisions. `gpu` names the GPU of the estimate (else `resources.gpu`),
    `mfu` the share of its peak that is reached; InputError for a GPU without an entry.
    """
    from xstilts.checks.costs.estimates import DEFAULT_UTILISATION, estimate

    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    made = make(loaded)
    utilisation = DEFAULT_UTILISATION if mfu is None else mfu
    cost = estimate(made, gpu=gpu, utilisation=utilisation, base=base_of(sweep))
    return Planned(made, _cached(sweep, loaded), notes.of_plan(made), cost)


def _cached(sweep: AnySweep, loaded: Sweep) -> int:
    """Distinct phases of the plan that have a record: those of the ledger, and those whose id is
    known before.
    """
    opened = Store(loaded.store)
    done = opened.done()
    if not done:
        return 0
    ledger = Ledger(opened.sweep_folder(loaded.name, loaded.version))
    found = {entry.phase for entry in ledger.entries() if entry.phase in done}
    return len(found | (_known_ids(loaded, inputs.data_context(sweep, loaded, opened)) & done))


def _known_ids(loaded: Sweep, context: DataContext) -> set[str]:
    """Ids of the phases that no search has to decide."""
    made = make(inputs.with_labels(loaded, context))
    return known_ids(made, inputs.resolve(made, context))

"""The results of a sweep from its ledger and records: status, scores, report, ...

Each verb reads each record once (`ReadStore`), shows what it can, and says in its value what it
could not read.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.api.given import AnySweep, base_of, folder_of
from xstilts.api.verb_values import ReportResult, Spent, Status, SubmissionResult, TrackResult
from xstilts.driver.budget import cost
from xstilts.driver.session import lease_of
from xstilts.errors import LeaseHeld
from xstilts.planning import make_plan
from xstilts.results.unreadable import Unreadable, unreadable
from xstilts.spec.sweep import Sweep
from xstilts.store import ledger as ledgers
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.reading import Damage, ReadStore
from xstilts.store.spent import read_spent
from xstilts.store.sweeps import read_sweep

if TYPE_CHECKING:
    import pandas as pd

DAMAGED = "damaged"
"""How a slot stands that the ledger counts as finished, though its phase can't be read."""


def status(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Status:
    """The state of a sweep, also while it runs. Slots whose phase counts as done but is damaged are
    counted as `damaged`.
    """
    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    reading = ReadStore.of(home.store)
    ledger = reading.ledger(home.folder)
    kept = read_sweep(home.folder)
    keys = {slot.key for slot in make_plan(kept).slots}
    entries = [entry for entry in ledger.entries() if entry.slot in keys]
    damaged = _damaged(reading, entries)
    slots = {use.slot for one in damaged for use in one.uses}
    counts: Counter[str] = Counter(
        DAMAGED if entry.slot in slots and entry.state.finished else entry.state
        for entry in entries
    )
    counts[ledgers.State.WAITING] += len(keys) - len(entries)
    return Status(
        f"{kept.name} v{kept.version}",
        dict(counts),
        len(keys),
        entries,
        _driver_of(home.store, kept),
        damaged,
        _spent(home.folder, kept),
    )


def _spent(folder: Path, sweep: Sweep) -> Spent | None:
    """What the sweep's phases have held of GPUs, as far as it was noted."""
    hours = read_spent(folder) or {}
    if not hours and not sweep.resources.gpus_per_worker:
        return None
    budget = sweep.budget
    return Spent(
        gpu_hours=sum(hours.values()),
        by_kind=hours,
        money=cost(hours, budget.price_per_gpu_hour),
        budget_gpu_hours=budget.gpu_hours,
        budget_money=budget.money,
    )


def _damaged(reading: ReadStore, entries: Sequence[Entry]) -> list[Unreadable]:
    """The phases that count as done and have no good record, or lack a file, and what was noted
    before.
    """
    for phase in dict.fromkeys(e.phase for e in entries if e.state.finished and e.phase):
        reading.phase(phase).fault()
    return unreadable(reading, reading.damages, entries)


def _driver_of(store: Store, sweep: Sweep) -> str:
    """Which process runs the sweep now; empty where none does."""
    try:
        lease_of(store, sweep).look()
    except LeaseHeld as held:
        return str(held)
    return ""


def scores(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> pd.DataFrame:
    """The tidy scores table: a row for each pair, seed, language and metric.

    `table.attrs["unreadable"]` lists what could not be read, as `--json` gives it.
    """
    from xstilts.results.scores import table

    return table(*folder_of(sweep, store=store, mirror=mirror, tracking=tracking))


def report(
    sweep: AnySweep,
    out: str | os.PathLike[str] | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    tell: Callable[[str], None] = warnings.warn,
) -> ReportResult:
    """Writes the report of all that can be read to `out` (default: the sweep's folder).

    `tell` is told of each picture that could not be drawn; the report is written all the same.
    """
    from xstilts.results.report import write

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    name = read_sweep(home.folder).name if isinstance(sweep, Sweep) else os.fspath(sweep)
    written = write(
        home.store,
        home.folder,
        Path(out) if out is not None else home.folder / "report",
        command=f"xstilts run {name}",
        tell=tell,
    )
    if out is None:
        home.store.send(home.folder, "report")
    return ReportResult(written.files, written.unreadable)


def submission(
    sweep: AnySweep,
    out: str | os.PathLike[str],
    *,
    intermediate: str = "best",
    model: str | None = None,
    seed: int | None = None,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> SubmissionResult:
    """Writes one system's predictions to `out` in XTREME's submission format.

    `intermediate` may be `best`: for each target the one chosen by English development scores.
    Model and seed default to the sweep's first. InputError where the sweep has no such system.
    """
    from xstilts.results.submission import write
    from xstilts.sources.context import DataContext

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    kept, reading = read_sweep(home.folder), ReadStore.of(home.store)
    files = write(
        reading,
        home.folder,
        model=model or kept.models[0].label,
        intermediate=intermediate,
        seed=kept.seeds[0] if seed is None else seed,
        out=Path(out),
        context=DataContext(
            mirror=mirror or kept.mirror, base=base_of(sweep), cache=str(home.store.data)
        ),
    )
    return SubmissionResult(
        files,
        files[-1].read_text(encoding="utf-8"),
        unreadable(reading, reading.damages, reading.ledger(home.folder).entries()),
    )


def track(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> TrackResult:
    """Rebuilds the MLflow mirror from the records."""
    from xstilts.tracking.tracker import rebuild, tracking_uri

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    uri = tracking_uri(tracking or read_sweep(home.folder).tracking, home.store)
    if uri is None:
        return TrackResult(0, [])
    done = rebuild(home.store, home.folder, uri)
    damages = [
        Damage(phase=phase, part="record", message=message)
        for phase, message in done.unreadable.items()
    ]
    reading = ReadStore.of(home.store)
    entries = reading.ledger(home.folder).entries()
    return TrackResult(done.sent, unreadable(reading, [*reading.damages, *damages], entries))

"""The results of a sweep from its ledger and records: status, scores, report, ..."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.api.given import AnySweep, base_of, folder_of
from xstilts.api.verb_values import Status
from xstilts.driver.session import lease_of
from xstilts.errors import LeaseHeld
from xstilts.planning import make_plan
from xstilts.spec.sweep import Sweep
from xstilts.store import ledger as ledgers
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep

if TYPE_CHECKING:
    import pandas as pd


def status(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Status:
    """The state of a sweep, also while it runs."""
    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    ledger = ledgers.require(home.folder)
    kept = read_sweep(home.folder)
    keys = {slot.key for slot in make_plan(kept).slots}
    entries = [entry for entry in ledger.entries() if entry.slot in keys]
    counts: Counter[str] = Counter(entry.state for entry in entries)
    counts[ledgers.State.WAITING] += len(keys) - len(entries)
    return Status(
        f"{kept.name} v{kept.version}",
        dict(counts),
        len(keys),
        entries,
        _driver_of(home.store, kept),
    )


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
    """The tidy scores table: a row for each pair, seed, language and metric."""
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
) -> dict[str, Path]:
    """Writes the report to `out` (default: the sweep's folder); returns its files by name.

    `tell` is told of each picture that could not be drawn; the report is written all the same.
    """
    from xstilts.results.report import write

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    name = read_sweep(home.folder).name if isinstance(sweep, Sweep) else os.fspath(sweep)
    return write(
        home.store,
        home.folder,
        Path(out) if out is not None else home.folder / "report",
        command=f"xstilts run {name}",
        tell=tell,
    )


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
) -> dict[str, Any]:
    """Writes one system's predictions to `out` in XTREME's submission format; returns the files and
    the notes.

    `intermediate` may be `best`: for each target the one chosen by English development scores.
    Model and seed default to the sweep's first. InputError where the sweep has no such system.
    """
    from xstilts.results.submission import write
    from xstilts.sources.context import DataContext

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    kept = read_sweep(home.folder)
    files = write(
        home.store,
        home.folder,
        model=model or kept.models[0].label,
        intermediate=intermediate,
        seed=kept.seeds[0] if seed is None else seed,
        out=Path(out),
        context=DataContext(
            mirror=mirror or kept.mirror, base=base_of(sweep), cache=str(home.store.data)
        ),
    )
    return {"files": [str(path) for path in files], "notes": files[-1].read_text(encoding="utf-8")}


def track(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> int:
    """Rebuilds the MLflow mirror from the records; returns the number of updated runs."""
    from xstilts.tracking.tracker import rebuild, tracking_uri

    home = folder_of(sweep, store=store, mirror=mirror, tracking=tracking)
    uri = tracking_uri(tracking or read_sweep(home.folder).tracking, home.store)
    return 0 if uri is None else rebuild(home.store, home.folder, uri)

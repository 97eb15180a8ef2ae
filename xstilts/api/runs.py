"""Running what of a sweep has no record yet: looked at whole, driven by one driver, mirrored to
MLflow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xstilts.api import inputs
from xstilts.api.check_and_plan import check
from xstilts.api.notes import lost_rows
from xstilts.api.opened import AnySweep
from xstilts.api.verb_values import Ran
from xstilts.driver.session import driver, same_plan
from xstilts.planning import make
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from pathlib import Path

    from xstilts.driver.board import Board
    from xstilts.sources.context import DataContext
    from xstilts.tracking.thread import TrackerThread

Watch = Callable[[dict[str, Any]], None]
Warn = Callable[[str], None]


def run(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    watch: Watch = lambda snapshot: None,
    warn: Warn = lambda message: None,
) -> Ran:
    """Runs what of the sweep has no record yet, and mirrors it to MLflow.

    `watch` gets a snapshot of the run about twice a second, `warn` what the user should know.
    Raises InputError before anything is trained, LeaseHeld where another driver runs the same
    sweep.
    """
    checked = check(sweep, store=store, mirror=mirror, tracking=tracking)
    for message in checked.warnings:
        warn(message)
    opened = Store(checked.sweep.store)
    context = inputs.data_context(sweep, checked.sweep, opened)
    loaded = inputs.with_labels(checked.sweep, context)
    folder = opened.sweep_folder(loaded.name, loaded.version)
    with driver(opened, loaded):
        same_plan(folder, loaded)
        board = _board(loaded, opened, folder, context)
        for aside in board.quarantined:
            warn(f"a damaged phase was moved to {aside} and is made again")
        return _drive(board, opened, loaded, folder, context, watch, warn)


def _board(loaded: Sweep, opened: Store, folder: Path, context: DataContext) -> Board:
    from xstilts.driver.board import Board
    from xstilts.driver.search import Studies

    made = make(loaded)
    studies = Studies(folder, loaded.search, made.studies, f"{loaded.name}-v{loaded.version}")
    return Board(made, Ledger(folder), opened, studies, inputs.resolve(made, context))


def _drive(
    board: Board,
    opened: Store,
    loaded: Sweep,
    folder: Path,
    context: DataContext,
    watch: Watch,
    warn: Warn,
) -> Ran:
    """Lets the engine work until the plan is done, or what stops it; the mirror gets a minute to
    catch up.
    """
    from xstilts.driver import engine

    warnings: list[str] = []
    thread = _tracker(opened, loaded, folder, warn)

    def changed() -> None:
        if thread:
            thread.submit(board.ledger.entries())

    try:
        settings, watched = _for_workers(loaded, opened, context), _watched(watch, loaded, opened)
        outcome = engine.run(board, loaded, settings, watched, changed)
    finally:
        missing = thread.close(timeout=60) if thread else None
        if missing:
            warnings.append(missing)
            warn(missing)
    for lost in lost_rows(loaded, context):
        warnings.append(lost)
        warn(lost)
    return Ran(
        counts=outcome.counts,
        failures=[{"slot": e.slot, "state": e.state, "error": e.error} for e in outcome.failures],
        seconds=outcome.seconds,
        started=outcome.started,
        stopped=outcome.stopped,
        exit_code=outcome.exit_code,
        warnings=warnings,
        folder=str(folder),
        pages=_pages(thread),
    )


def _for_workers(loaded: Sweep, opened: Store, context: DataContext) -> dict[str, Any]:
    """What each worker is told of this machine and run; no part of a phase."""
    return {
        "store": str(opened.path),
        "mirror": context.mirror,
        "base": context.base,
        "threads": loaded.resources.cpus_per_worker,
        "partial_every_seconds": loaded.resources.partial_every_seconds,
        "gradient_checkpointing": loaded.resources.gradient_checkpointing,
    }


def _watched(watch: Watch, loaded: Sweep, opened: Store) -> Watch:
    """`watch`, which is also told how far translations are: they are made inside the first phase
    that needs them.
    """
    if not any(task.transform and task.transform.translate for task in loaded.tasks):
        return watch
    from xstilts.data.transforms import under_way

    began = time.time()
    return lambda snapshot: watch({**snapshot, "translating": under_way(opened.data, began)})


# -- the mirror
# --------------------------------------------------------------------------------------


def _tracker(opened: Store, loaded: Sweep, folder: Path, warn: Warn) -> TrackerThread | None:
    if loaded.tracking == "off":
        return None
    from xstilts.tracking.thread import TrackerThread
    from xstilts.tracking.tracker import Tracker, tracking_uri

    uri = tracking_uri(loaded.tracking, opened)
    assert uri is not None
    return TrackerThread(Tracker(uri, loaded, opened, folder), f"xstilts track {folder}", warn)


def _pages(thread: TrackerThread | None) -> str:
    """Where the table of pairs is in MLflow's pages, and how to open those of a SQLite file."""
    page = thread.tracker.page if thread else None
    if thread is None or page is None:
        return ""
    uri = thread.tracker.uri
    if uri.startswith("http"):
        return f"{uri.rstrip('/')}{page}"
    return f"mlflow ui --backend-store-uri {uri}   then http://127.0.0.1:5000{page}"

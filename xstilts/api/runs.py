"""Runs the phases of a sweep that have no record yet, and mirrors them to MLflow."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from xstilts.api import inputs
from xstilts.api.check_and_plan import check_opened
from xstilts.api.given import AnySweep
from xstilts.api.notes import lost_rows
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.verb_values import RunResult
from xstilts.data import made_again
from xstilts.driver.keeping import Keeper
from xstilts.driver.session import OwnLedger, driver, same_plan
from xstilts.driver.signals import as_interrupts
from xstilts.errors import LeaseLost
from xstilts.store.doubts import keep_doubts

if TYPE_CHECKING:
    from xstilts.driver.board import Board
    from xstilts.driver.ending import Outcome
    from xstilts.store.lease import Lease
    from xstilts.tracking.thread import TrackerThread

TOLD = 10
"""Damaged phases that are told one by one."""
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
) -> RunResult:
    """Runs the phases of the sweep that have no record yet, and mirrors them to MLflow.

    `watch` gets a snapshot of the run about twice a second, before there are phases only what is
    `doing`; `warn` gets warnings for the user.
    Raises InputError before anything is trained, LeaseHeld where another driver runs this sweep,
    LeaseLost where another has taken it over in the middle.
    """

    def tell(doing: str) -> None:
        watch({"doing": doing})

    opened = open_sweep(sweep, store=store, mirror=mirror, tracking=tracking, tell=tell)
    checked = check_opened(opened, tell=tell)
    for message in checked.warnings:
        warn(message)
    with as_interrupts(), driver(opened.store, opened.sweep, warn) as lease:
        mended = same_plan(opened.folder, opened.sweep)
        keep_doubts(opened.folder, checked.about_numbers)
        board = _board(opened, lease, mended)
        return _drive(board, opened, lease, watch, warn, mended)


def _board(opened: Opened, lease: Lease, mended: list[str]) -> Board:
    """The board. What was damaged in the sweep's books, and is mended now, is added to `mended`."""
    from xstilts.driver.board import Board
    from xstilts.driver.search import Studies

    sweep, plan, folder = opened.sweep, opened.plan, opened.folder
    revisions = inputs.resolve(plan, opened.context)
    lease.check()
    studies = Studies(folder, sweep.search, plan.studies, f"{sweep.name}-v{sweep.version}")
    ledger = OwnLedger(folder, lease)
    mended += ledger.mend()
    board = Board(plan, ledger, opened.store, studies, revisions)
    mended += studies.told
    return board


def _drive(
    board: Board, opened: Opened, lease: Lease, watch: Watch, warn: Warn, warnings: list[str]
) -> RunResult:
    """Runs the engine until the plan is done or the run stops; then the mirror gets a minute to
    catch up: only seconds where somebody wants the run to end, and no time where another driver has
    taken the sweep over and mirrors it. `warnings` are told first.
    """
    for message in warnings:
        warn(message)
    patience = 10
    thread = _tracker(opened, warn)
    keeper = Keeper(opened.plan, board.ledger, opened.store, opened.folder, lease.check)

    def changed() -> None:
        if thread:
            thread.submit(board.ledger.entries())
        keeper.look()

    try:
        outcome = _run(board, opened, lease, watch, changed)
        keeper.look(force=True)
        patience = 10 if outcome.stopped == "interrupted" else 60
    except LeaseLost:
        patience = 0
        raise
    finally:
        missing = thread.close(timeout=patience) if thread else None
        if missing and patience:
            warnings.append(missing)
            warn(missing)
    again = made_again.told(opened.store.data)
    for message in (
        *_few(board.set_aside),
        *keeper.problems,
        *again,
        *lost_rows(opened.sweep, opened.context),
    ):
        warnings.append(message)
        warn(message)
    return RunResult(
        counts=outcome.counts,
        failures=[{"slot": e.slot, "state": e.state, "error": e.error} for e in outcome.failures],
        seconds=outcome.seconds,
        started=outcome.started,
        stopped=outcome.stopped,
        exit_code=outcome.exit_code,
        warnings=warnings,
        folder=str(opened.folder),
        pages=_pages(thread),
    )


def _few(told: Sequence[str]) -> list[str]:
    """The first sentences, and how many more there are: a store of an earlier version has as many
    as phases.
    """
    more = len(told) - TOLD
    return [*told[:TOLD], *([f"and {more:,} more phases, in the same place"] if more > 0 else [])]


def _run(
    board: Board, opened: Opened, lease: Lease, watch: Watch, changed: Callable[[], None]
) -> Outcome:
    """Runs what is open; a finished sweep needs no engine."""
    from xstilts.driver import ending

    first = board.next()
    if first is None and board.settled:
        changed()
        watch(board.snapshot())
        return ending.outcome(board)
    watch({**board.snapshot(), "doing": "starting Ray"})
    from xstilts.driver import engine

    settings, watched = _for_workers(opened), _watched(watch, opened)
    return engine.run(board, opened.sweep, settings, watched, changed, first, lease.check)


def _for_workers(opened: Opened) -> dict[str, Any]:
    """The workers' context: facts of this machine and run that are not part of a phase."""
    resources = opened.sweep.resources
    return {
        "store": opened.store.address,
        "mirror": opened.context.mirror,
        "base": opened.context.base,
        "threads": resources.cpus_per_worker,
        "partial_every_seconds": resources.partial_every_seconds,
        "gradient_checkpointing": resources.gradient_checkpointing,
    }


def _watched(watch: Watch, opened: Opened) -> Watch:
    """`watch`, with the progress of translations in the snapshots, which run inside phases."""
    if not any(task.transform and task.transform.translate for task in opened.sweep.tasks):
        return watch
    from xstilts.data.transforms import under_way

    began, data = time.time(), opened.store.data
    return lambda snapshot: watch({**snapshot, "translating": under_way(data, began)})


# -- the mirror


def _tracker(opened: Opened, warn: Warn) -> TrackerThread | None:
    if opened.sweep.tracking == "off":
        return None
    from xstilts.tracking.thread import TrackerThread
    from xstilts.tracking.tracker import Tracker, tracking_uri

    uri = tracking_uri(opened.sweep.tracking, opened.store)
    assert uri is not None
    tracker = Tracker(uri, opened.sweep, opened.store, opened.folder)
    return TrackerThread(tracker, f"xstilts track {shlex.quote(str(opened.folder))}", warn)


def _pages(thread: TrackerThread | None) -> str:
    """How to open MLflow's page with the table of pairs; empty where there is none."""
    page = thread.tracker.page if thread else None
    if thread is None or page is None:
        return ""
    from xstilts.tracking.pages import how_to_open

    return how_to_open(page, thread.tracker.uri)

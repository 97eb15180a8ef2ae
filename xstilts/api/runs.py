"""Runs the phases of a sweep that have no record yet, and mirrors them to MLflow."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.api import inputs
from xstilts.api.check_and_plan import check_opened
from xstilts.api.given import AnySweep
from xstilts.api.notes import lost_rows
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.results import report
from xstilts.api.verb_values import RunResult
from xstilts.data import made_again
from xstilts.driver.keeping import Keeper
from xstilts.driver.remaking import phases_of
from xstilts.driver.session import OwnLedger, driver, in_job, same_plan
from xstilts.driver.signals import as_interrupts
from xstilts.errors import LeaseLost, XstiltsError
from xstilts.store.doubts import keep_doubts
from xstilts.store.ledger import LEDGER
from xstilts.store.sweep_copies import JOURNAL

if TYPE_CHECKING:
    from xstilts.driver.board import Board
    from xstilts.driver.ending import Outcome
    from xstilts.store.lease import Lease
    from xstilts.store.sweep_copies import Sender
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
    remake: Sequence[str] = (),
    watch: Watch = lambda snapshot: None,
    warn: Warn = lambda message: None,
) -> RunResult:
    """Runs the phases of the sweep that have no record yet, and mirrors them to MLflow.

    `remake`: phases, by their ids or slots, whose dropped checkpoints are made again, though
    nothing starts from them; they stay until the next run of a sweep that lets them go.
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
    opened.store.when_silent(warn)
    with (
        as_interrupts(),
        driver(opened.store, opened.sweep, warn) as lease,
        opened.store.driven(opened.folder) as sender,
    ):
        mended = same_plan(opened.folder, opened.sweep)
        keep_doubts(opened.folder, checked.about_numbers)
        if sender:
            lease.check()
            sender.send_files()
        board = _board(opened, lease, mended, sender)
        asked = phases_of(remake, board.ledger.entries())
        for phase in asked:
            board.remake(phase)
        return _drive(board, opened, lease, watch, warn, mended, asked)


def _board(opened: Opened, lease: Lease, mended: list[str], sender: Sender | None = None) -> Board:
    """The board. What was damaged in the sweep's books, and is mended now, is added to `mended`.
    `sender` sends the books to where the store lies.
    """
    from xstilts.checks.costs.estimates import phase_seconds
    from xstilts.driver.board import Board
    from xstilts.driver.preparation import Preparation
    from xstilts.driver.search import Studies

    sweep, plan, folder = opened.sweep, opened.plan, opened.folder
    revisions = inputs.resolve(plan, opened.context)
    lease.check()
    ledger_follower = sender.follower(LEDGER) if sender else None
    studies_follower = sender.follower(JOURNAL) if sender else None
    whole_name = f"{sweep.name}-v{sweep.version}"
    studies = Studies(folder, sweep.search, plan.studies, whole_name, studies_follower)
    ledger = OwnLedger(folder, lease, ledger_follower)
    mended += ledger.mend()
    seconds = phase_seconds(plan, base=opened.context.base)
    board = Board(plan, ledger, opened.store, studies, revisions, seconds)
    if sweep.resources.gpus_per_worker:
        preparation = Preparation(plan, revisions, _for_workers(opened))
        board.lacks_data, board.prepares = preparation.lacks, preparation.doing
    mended += studies.told
    return board


def _drive(
    board: Board,
    opened: Opened,
    lease: Lease,
    watch: Watch,
    warn: Warn,
    warnings: list[str],
    remade: Sequence[str],
) -> RunResult:
    """Runs the engine until the plan is done or the run stops; then the mirror gets a minute to
    catch up: only seconds where somebody wants the run to end, and no time where another driver has
    taken the sweep over and mirrors it. `warnings` are told first. `remade`: phases whose
    checkpoints were asked for.
    """
    for message in warnings:
        warn(message)
    patience = 10
    thread = _tracker(opened, warn)
    keeper = Keeper(opened.plan, board.ledger, opened.store, opened.folder, lease.check, remade)

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
        *outcome.told,
        *_few(board.set_aside),
        *keeper.problems,
        *_still_dropped(opened, remade),
        *again,
        *lost_rows(opened.sweep, opened.context),
    ):
        warnings.append(message)
        warn(message)
    store = opened.store
    return RunResult(
        counts=outcome.counts,
        failures=[{"slot": e.slot, "state": e.state, "error": e.error} for e in outcome.failures],
        seconds=outcome.seconds,
        started=outcome.started,
        stopped=outcome.stopped,
        exit_code=outcome.exit_code,
        warnings=warnings,
        folder=str(opened.folder),
        copy_of=f"{store.address}/sweeps/{opened.folder.name}" if store.remote else "",
        pages=_pages(thread),
        budget=outcome.budget,
        report=_report(opened, warn, warnings) if outcome.stopped == "budget" else "",
    )


def _report(opened: Opened, warn: Warn, warnings: list[str]) -> str:
    """Writes the report of what there is when a budget is spent, and returns its page; empty where
    that can't be done, which is told.
    """

    def tell(message: str) -> None:
        warnings.append(message)
        warn(message)

    try:
        files = report(opened.file or opened.sweep, store=opened.store.address, tell=tell).files
    except XstiltsError as error:
        tell(f"no report was written of what there is: {error}")
        return ""
    return str(files["html"])


def _still_dropped(opened: Opened, asked: Sequence[str]) -> list[str]:
    """What is told of checkpoints that were asked for and are not there."""
    return [
        f"the checkpoint of phase {phase} was not made again: it failed, the run was stopped, or "
        "no slot of the sweep stands for it any more because its data or settings have changed "
        "(`xstilts why` says)"
        for phase in asked
        if opened.store.phase(phase).dropped
    ]


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

    settings, watched = _for_workers(opened), _watched(watch, opened, board)
    return engine.run(board, opened.sweep, settings, watched, changed, first, lease.check)


def _for_workers(opened: Opened) -> dict[str, Any]:
    """The workers' context: facts of this machine and run that are not part of a phase."""
    resources = opened.sweep.resources
    return {
        "store": opened.store.address,
        "mirror": opened.context.mirror,
        "base": _base_of_workers(opened.context.base),
        "threads": resources.cpus_per_worker,
        "partial_every_seconds": resources.partial_every_seconds,
        "gradient_checkpointing": resources.gradient_checkpointing,
        "deadline_seconds": 60 * resources.deadline_minutes,
    }


def _base_of_workers(base: str) -> str:
    """The sweep file's folder as the workers have it. Those of a Ray job start in their own node's
    copy of the job's files, as this driver does; all others share the path.
    """
    here = os.getcwd()
    inside = Path(base) == Path(here) or Path(here) in Path(base).parents
    return os.path.relpath(base, here) if in_job() and inside else base


def _watched(watch: Watch, opened: Opened, board: Board) -> Watch:
    """`watch`, with what goes on beside the phases in the snapshots: rows that are tokenised before
    the first phase runs, and translations, which run inside phases.
    """

    def tokenising(snapshot: dict[str, Any]) -> None:
        doing = "" if snapshot.get("running") else board.prepares()
        watch({**snapshot, "doing": doing} if doing else snapshot)

    if not any(task.transform and task.transform.translate for task in opened.sweep.tasks):
        return tokenising
    from xstilts.data.transforms import under_way

    began, data = time.time(), opened.store.data
    return lambda snapshot: tokenising({**snapshot, "translating": under_way(data, began)})


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

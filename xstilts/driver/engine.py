"""Runs a plan: one Ray Tune experiment for the whole sweep.

Tune asks three adapters (`adapters`), which share what is known of the run (`drive`). Its own
checkpoints, loggers and restore are not used: the records are the state, and to resume is to run
again.

Tune runs in a thread of its own. The main thread waits for it and for what may end a run early:
Ctrl-C and other signals, and a cluster that died. Neither can wait until Ray answers.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from xstilts.driver import cluster, leftovers, ray_threads, shared_folder, slots as places
from xstilts.driver.adapters import PhaseScheduler, PhaseSearcher, Ticker
from xstilts.driver.board import Assignment, Board
from xstilts.driver.budget import Meter, spent_before
from xstilts.driver.departures import Departures
from xstilts.driver.drive import Drive, Watcher
from xstilts.driver.ending import Outcome, outcome
from xstilts.driver.placement_groups import reaper
from xstilts.driver.signals import number_of
from xstilts.driver.slots import Slots
from xstilts.driver.trial import PhaseTrial
from xstilts.errors import EngineError, XstiltsError
from xstilts.spec.addresses import is_address
from xstilts.spec.sweep import Sweep

LEAVE_SECONDS = 30.0
"""How long the running phases have to keep a partial checkpoint when the run is to end."""
MOST_PENDING = 100_000
"""Trials whose resources Tune may wait for: the searcher limits them, as the cluster grows."""


def run(
    board: Board,
    sweep: Sweep,
    context: dict[str, Any],
    watch: Watcher = lambda snapshot: None,
    changed: Callable[[], None] = lambda: None,
    first: Assignment | None = None,
    sure: Callable[[], None] = lambda: None,
) -> Outcome:
    """Runs the board's open slots, `first` before all others. `context` is workers.context.Context
    as a dict; `changed` is called whenever a phase has ended; `sure` raises LeaseLost where another
    driver has taken the sweep over.

    Raises EngineError where Ray can't be used or dies, LeaseLost when the phases here have ended;
    then nothing is written any more. At Ctrl-C, SIGTERM and SIGHUP the running phases keep a
    partial checkpoint and end, within LEAVE_SECONDS; the outcome says `interrupted`, and the next
    run resumes them. A second one while the run ends is raised, after Ray's processes were killed.
    """
    resources, folder = sweep.resources, board.ledger.path.parent
    departures = Departures(board.store, context.get("deadline_seconds", 0), folder / "hung")
    before = spent_before(folder, board.ledger.entries(), board.store, resources)
    meter = Meter(sweep.budget, resources, folder, before)
    slots = Slots(resources)
    drive = Drive(board, sweep, context, slots, meter, watch, changed, departures, sure=sure)
    drive.first = first or board.next()
    try:
        if drive.spent():
            pass  # by earlier runs
        elif drive.first is not None or not board.settled:
            leftovers.clear()
            with (
                cluster.connected(resources, drive.doing) as joined,
                reaper(),
                departures.nodes.watched(),
            ):
                slots.own = joined.folder is not None
                if not slots.own and not is_address(context["store"]):
                    shared_folder.require_shared(Path(context["store"]))
                with slots:
                    drive.doing("starting worker processes")
                    _experiment(drive, joined)
        drive.sure()
        for slot in meter.running:
            meter.end(slot)
        meter.keep(now=True)
        seconds = time.monotonic() - drive.began
        ended = outcome(
            board,
            seconds=seconds,
            started=meter.started,
            stopped=drive.stopped,
            signal=drive.signal,
            told=[*departures.sentences(), *drive.memory.sentences()],
            budget=meter.reached(),
        )
    except BaseException:
        board.give_back()
        raise
    drive.changed()
    drive.show()
    return ended


def _experiment(drive: Drive, joined: cluster.Cluster) -> None:
    """Runs Tune until the plan is done or something ends it early."""
    errors: list[BaseException] = []
    # Not `Thread.join`: at a KeyboardInterrupt within, Python takes the thread for ended.
    over = threading.Event()
    with leftovers.own_folder("tune") as folder:
        ray_threads.start(_tune, drive, str(folder), errors, over, name="tune")
        try:
            while not over.wait(0.2):
                if died := joined.dead():
                    _died(drive, joined, died)
        except KeyboardInterrupt as asked:
            drive.stopped, drive.signal = "interrupted", number_of(asked)
            drive.leave()
            try:
                _wait(joined, over, LEAVE_SECONDS)
            finally:
                drive.ending = not errors
            drive.doing("ending the running phases")
            _wait(joined, over, cluster.ENDING_SECONDS)
            if not over.is_set():
                joined.give_up()
    drive.sure()  # Tune makes a TuneError of a lost lease
    if errors and not drive.ending:
        raise _ours(errors[0])


def _ours(error: BaseException) -> BaseException:
    """The error of ours that Tune has made one of its own of; else the error itself."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, XstiltsError):
        at = at.__cause__ or at.__context__
    return at or error


def _wait(joined: cluster.Cluster, over: threading.Event, seconds: float) -> None:
    """Waits until Tune's loop has ended or the cluster has died; a second Ctrl-C kills the cluster
    and is raised.
    """
    until = time.monotonic() + seconds
    try:
        while not over.wait(0.2) and time.monotonic() < until and not joined.dead():
            pass
    except KeyboardInterrupt:
        joined.give_up()
        raise


def _died(drive: Drive, joined: cluster.Cluster, what: str) -> None:
    """Ends a run whose cluster died, before Ray ends the process without a word."""
    drive.ending = True
    joined.give_up()
    outcome(drive.board)
    drive.show()
    raise EngineError(
        f"the Ray cluster of this run died: {what}; what is done is kept, and the same command "
        "carries on from here"
    )


def _tune(drive: Drive, folder: str, errors: list[BaseException], over: threading.Event) -> None:
    """One Tune experiment; what ends it early is left in `errors`, and `over` is set at its end."""
    # The searcher limits them, as the cluster grows and shrinks.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(MOST_PENDING)
    # The board reports failures itself, each once.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # It would warn that it can't handle SIGTERM in this thread, which is as it should be.
    logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
    resources = drive.sweep.resources
    trainable = tune.with_resources(
        PhaseTrial,
        lambda config: places.placement(resources, config["kind"], config["avoided"]),
    )
    try:
        tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=PhaseSearcher(drive),
                scheduler=PhaseScheduler(drive),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=folder,
                verbose=0,
                callbacks=[Ticker(drive)],
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_frequency=0, checkpoint_at_end=False
                ),
            ),
        ).fit()
    except BaseException as error:
        errors.append(error)
    finally:
        over.set()


def _trial_name(trial: Any) -> str:
    return f"{trial.config['phase']}-{trial.trial_id}"

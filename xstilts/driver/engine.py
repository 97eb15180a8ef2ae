"""Runs a plan: one Ray Tune experiment for the whole sweep.

Three small adapters stand between Tune and the board. The *searcher* asks the board for the next
phase whenever Tune has a free slot, so a trial that would have to wait is never created. The
*scheduler* passes development values to the board, stops what the search prunes, and lets a trial
whose phase has ended go on with the next (`chaining`). The *callback*
renews the leases and shows progress. Tune's own checkpoints, loggers and restore are not used: the
records are the state, and to resume is to run again.

Tune runs in a thread of its own. The main thread waits for it and for what may end a run early:
Ctrl-C and other signals, and a cluster that died. Neither can wait until Ray answers.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from xstilts.driver import cluster, leftovers
from xstilts.driver.board import Assignment, Board
from xstilts.driver.chaining import goes_on
from xstilts.driver.ending import Outcome, outcome
from xstilts.driver.placement_groups import reaper
from xstilts.driver.signals import number_of
from xstilts.driver.trial import PhaseTrial
from xstilts.errors import EngineError
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import LEASE_SECONDS, RENEWALS

Watcher = Callable[[dict[str, Any]], None]


@dataclass
class _Drive:
    """What the three adapters share."""

    board: Board
    sweep: Sweep
    context: dict[str, Any]
    slots: int
    watch: Watcher
    changed: Callable[[], None]
    began: float = field(default_factory=time.monotonic)
    started: int = 0
    stopped: str = ""
    trials: dict[str, str] = field(default_factory=dict)
    """Tune trial id to slot."""
    taken: set[str] = field(default_factory=set)
    """Tune trials that still run though another driver has taken their phase over."""
    first: Assignment | None = None
    """Taken from the board before Ray was started: a finished sweep needs no Ray."""
    sure: Callable[[], None] = lambda: None
    """Raises LeaseLost where another driver has taken the sweep over. Whatever changes the board
    comes after it.
    """
    ending: bool = False
    """Set by the main thread: Tune's loop ends at its next step, and the board is the main thread's
    again.
    """
    signal: int = signal.SIGINT
    """What interrupted the run."""
    _renewed: float = 0.0
    _shown: float = 0.0

    def __deepcopy__(self, memo: Any) -> _Drive:
        return self

    def __reduce__(self) -> Any:
        """Tune pickles its adapters for a restore that is never used; leave the run out of it."""
        return object, ()

    def may_go_on(self) -> None:
        """Raises where Tune's loop may touch the board no more."""
        if self.ending:
            raise _Ended
        self.sure()

    def tick(self, force: bool = False) -> None:
        """Renews the leases and shows progress, each at its own interval."""
        self.may_go_on()
        now = time.monotonic()
        if now - self._renewed > LEASE_SECONDS / RENEWALS:
            self._renewed = now
            lost = self.board.renew()
            self.taken |= {trial for trial, slot in self.trials.items() if slot in lost}
            if self.first and self.first.slot in lost:
                self.first = None
        if force or now - self._shown > 0.5:
            self._shown = now
            self.show()

    def show(self, **more: Any) -> None:
        """Shows how far the run is, now."""
        snapshot = self.board.snapshot()
        left = snapshot["eta_seconds"]
        left = None if left is None else left / self.slots
        self.watch({**snapshot, "eta_seconds": left, **more})

    def doing(self, what: str) -> None:
        """Shows what is done before there are phases, or after them."""
        self.show(doing=what)

    def next(self) -> Assignment | None:
        """The board's next phase."""
        first, self.first = self.first, None
        return first or self.board.next()

    def hand_out(self, trial_id: str) -> dict[str, Any] | None:
        """The config of the board's next phase, for this trial; None where there is none for it
        now.
        """
        if self.spent() and not self.board.settled:
            self.stopped = "budget"
            return None
        assignment = self.next()
        if assignment is None:
            self.changed()
            return None
        self.trials[trial_id] = assignment.slot
        self.started += 1
        return {
            "phase": assignment.spec.id,
            "spec": assignment.spec.model_dump(mode="json"),
            "slot": assignment.slot,
            "context": self.context,
            "waits": self.sweep.search.stopping != "none" and assignment.spec.action == "train",
            "group": _group(self.sweep),
        }

    def ended(self, trial_id: str, result: dict[str, Any], *, died: bool = False) -> None:
        """Tells the board how the phase of a trial ended. A dead actor is a failure that may be
        retried.
        """
        slot = self.trials.pop(trial_id, None)
        if slot is None or trial_id in self.taken:
            return
        self.may_go_on()
        status, board = result.get("status", ""), self.board
        if died or status == "failed":
            retries = 0 if result.get("hopeless") else self.sweep.resources.retries
            error_text = result.get("error") or "the trial's process died"
            board.failed(slot, error_text, retries, damaged=result.get("damaged", ""))
        elif status == "done":
            board.done(slot)
        elif status == "taken":
            board.taken(slot)
        else:
            board.pruned(slot)
        self.changed()
        self.tick(force=True)

    def spent(self) -> bool:
        """Whether the budget is used up."""
        budget = self.sweep.budget
        hours = budget.hours is not None and time.monotonic() - self.began > budget.hours * 3600
        return hours or (budget.phases is not None and self.started >= budget.phases)


class _Ended(Exception):
    """Ends Tune's loop from inside."""


class PhaseSearcher(Searcher):
    """Hands Tune the board's next phase."""

    def __init__(self, drive: _Drive) -> None:
        super().__init__(metric=None, mode=None)
        self._drive = drive

    def suggest(self, trial_id: str) -> Any:
        """The next trial's config; None where nothing is ready now, FINISHED at the end."""
        drive = self._drive
        drive.tick()
        if len(drive.trials) >= drive.slots:
            return None
        config = drive.hand_out(trial_id)
        if config is not None:
            return config
        over = drive.board.settled or drive.stopped == "budget"
        return Searcher.FINISHED if over else None

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing: the scheduler has seen the result already."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tells the board how the trial's last phase ended, unless it knows."""
        self._drive.ended(trial_id, result or {}, died=error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to keep: the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to read."""


class PhaseScheduler(FIFOScheduler):
    """Passes reports to the board, and keeps idle trial actors alive.

    Tune by itself keeps at most one idle actor: whenever only one phase is ready, it would end all
    other processes and start them again later.
    """

    def __init__(self, drive: _Drive) -> None:
        super().__init__()
        self._drive = drive
        self._kept = False

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """At the first trial, asks Tune to keep as many idle actors as there are slots."""
        if not self._kept:
            self._kept = True
            tune_controller._tune_controller._actor_cache.increase_max(
                trial.placement_group_factory, self._drive.slots
            )

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """STOP where the search prunes the phase, or another driver has taken it over."""
        self._drive.may_go_on()
        if trial.trial_id in self._drive.taken:
            return _stop(trial)
        if result.get("status") != "running":
            on = goes_on(self._drive, trial, result)
            return str(TrialScheduler.CONTINUE if on else TrialScheduler.STOP)
        slot, value = self._drive.trials.get(trial.trial_id), result.get("value")
        if slot is None:
            return str(TrialScheduler.CONTINUE)
        board, rate = self._drive.board, _rate(result)
        step, steps = result["step"], result["steps"]
        if value is None:
            board.progress(slot, step, steps, doing=result.get("doing", ""), rate=rate)
            return str(TrialScheduler.CONTINUE)
        go_on = board.report(slot, step, steps, value, rate=rate)
        if go_on or not result.get("asked"):
            return str(TrialScheduler.CONTINUE)
        return _stop(trial)


def _stop(trial: Any) -> str:
    """Ends a trial's phase at once, and the trial."""
    actor = trial.temporary_state.ray_actor
    if actor is not None:
        actor.prune.remote()
    return str(TrialScheduler.STOP)


class _Ticker(tune.Callback):
    def __init__(self, drive: _Drive) -> None:
        self._drive = drive

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._drive.tick()


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
    then nothing is written any more. Ctrl-C, SIGTERM and SIGHUP end the running phases at once; the
    outcome says `interrupted`, and the next run resumes them from their last partial checkpoints. A
    second one while the run ends is raised, after Ray's processes were killed.
    """
    drive = _Drive(board, sweep, context, 1, watch, changed, sure=sure)
    drive.first = first or board.next()
    try:
        if drive.first is not None or not board.settled:
            leftovers.clear()
            with cluster.connected(sweep.resources, drive.doing) as joined, reaper():
                drive.slots = cluster.slots(sweep.resources)
                drive.doing("starting worker processes")
                _experiment(drive, joined)
        drive.sure()
        seconds = time.monotonic() - drive.began
        ended = outcome(
            board,
            seconds=seconds,
            started=drive.started,
            stopped=drive.stopped,
            signal=drive.signal,
        )
    except BaseException:
        board.give_back()
        raise
    drive.changed()
    drive.show()
    return ended


def _experiment(drive: _Drive, joined: cluster.Cluster) -> None:
    """Runs Tune until the plan is done or something ends it early."""
    errors: list[BaseException] = []
    with leftovers.own_folder("tune") as folder:
        thread = threading.Thread(target=_tune, args=(drive, str(folder), errors), daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.2)
                if died := joined.dead():
                    _died(drive, joined, died)
        except KeyboardInterrupt as asked:
            drive.ending, drive.stopped, drive.signal = True, "interrupted", number_of(asked)
            drive.doing("ending the running phases")
            _let_end(joined, thread)
    drive.sure()  # Tune makes a TuneError of a lost lease
    if errors and not drive.ending:
        raise errors[0]


def _let_end(joined: cluster.Cluster, thread: threading.Thread) -> None:
    """Gives Tune's loop time to end; then, or at a second Ctrl-C, kills the cluster."""
    until = time.monotonic() + cluster.ENDING_SECONDS
    try:
        while thread.is_alive() and time.monotonic() < until and not joined.dead():
            thread.join(0.2)
    except KeyboardInterrupt:
        joined.give_up()
        raise
    if thread.is_alive():
        joined.give_up()


def _died(drive: _Drive, joined: cluster.Cluster, what: str) -> None:
    """Ends a run whose cluster died, before Ray ends the process without a word."""
    drive.ending = True
    joined.give_up()
    outcome(drive.board)
    drive.show()
    raise EngineError(
        f"the Ray cluster of this run died: {what}; what is done is kept, and the same command "
        "carries on from here"
    )


def _tune(drive: _Drive, folder: str, errors: list[BaseException]) -> None:
    """One Tune experiment; what ends it early is left in `errors`."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(drive.slots)
    # The board reports failures itself, each once.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # It would warn that it can't handle SIGTERM in this thread, which is as it should be.
    logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
    trainable = tune.with_resources(PhaseTrial, _placement(drive.sweep))
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
                callbacks=[_Ticker(drive)],
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_frequency=0, checkpoint_at_end=False
                ),
            ),
        ).fit()
    except BaseException as error:
        errors.append(error)


def _rate(result: dict[str, Any]) -> str:
    """How fast a phase was since its last report, in words; empty where it does not say."""
    for name, unit in (("tokens_per_second", "tokens/s"), ("examples_per_second", "examples/s")):
        if result.get(name):
            return f"{result[name]:,.0f} {unit}"
    return ""


def _trial_name(trial: Any) -> str:
    return f"{trial.config['phase']}-{trial.trial_id}"


def _group(sweep: Sweep) -> dict[str, Any] | None:
    resources = sweep.resources
    if resources.workers == 1:
        return None
    return {
        "workers": resources.workers,
        "cpus": resources.cpus_per_worker,
        "gpus": resources.gpus_per_worker,
        "retries": resources.retries,
    }


def _placement(sweep: Sweep) -> PlacementGroupFactory:
    """A one-worker phase runs in the trial and takes its resources; a group's trial only waits."""
    resources = sweep.resources
    if resources.workers > 1:
        return PlacementGroupFactory([{cluster.TRIAL_SLOT: 1}])
    gpus = {"GPU": resources.gpus_per_worker} if resources.gpus_per_worker else {}
    return PlacementGroupFactory([{"CPU": resources.cpus_per_worker, **gpus}])

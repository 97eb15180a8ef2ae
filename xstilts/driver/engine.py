"""Runs a plan: one Ray Tune experiment for the whole sweep.

Three small adapters stand between Tune and the board. The *searcher* asks the board for the next
phase whenever Tune has room, so a trial that would have to wait is never created. The *scheduler*
passes development values to the board and stops what the search prunes. The *callback* renews the
leases and shows progress. Tune's own checkpoints, loggers and restore are not used: the records are
the state, and running again is resuming.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from xstilts.driver import cluster
from xstilts.driver.board import Assignment, Board
from xstilts.driver.trial import PhaseTrial
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import LEASE_SECONDS
from xstilts.store.ledger import Entry

Watcher = Callable[[dict[str, Any]], None]


@dataclass
class Outcome:
    """How a run ended."""

    counts: dict[str, int]
    failures: list[Entry]
    seconds: float
    started: int
    """Phases that were started in this run."""
    stopped: str = ""
    """Why it stopped before the plan was done: `interrupted`, `budget`, or nothing."""
    set_aside: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all done; 1: something failed; 130: interrupted."""
        if self.stopped == "interrupted":
            return 130
        return 1 if self.failures else 0


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
    first: Assignment | None = None
    """Asked for before Ray was started: a finished sweep needs no Ray."""
    _renewed: float = 0.0
    _shown: float = 0.0

    def __deepcopy__(self, memo: Any) -> _Drive:
        return self

    def __reduce__(self) -> Any:
        """Tune pickles its adapters for a restore that is never used; nothing of the run goes into
        that.
        """
        return object, ()

    def tick(self, force: bool = False) -> None:
        """Renews leases and shows progress, each at its own pace."""
        now = time.monotonic()
        if now - self._renewed > LEASE_SECONDS / 6:
            self._renewed = now
            self.board.renew()
        if force or now - self._shown > 0.5:
            self._shown = now
            snapshot = self.board.snapshot()
            left = snapshot["eta_seconds"]
            self.watch({**snapshot, "eta_seconds": None if left is None else left / self.slots})

    def next(self) -> Assignment | None:
        """The board's next phase."""
        first, self.first = self.first, None
        return first or self.board.next()

    def spent(self) -> bool:
        """Whether the budget is used up."""
        budget = self.sweep.budget
        hours = budget.hours is not None and time.monotonic() - self.began > budget.hours * 3600
        return hours or (budget.phases is not None and self.started >= budget.phases)


class PhaseSearcher(Searcher):
    """Hands Tune the board's next phase."""

    def __init__(self, drive: _Drive) -> None:
        super().__init__(metric=None, mode=None)
        self._drive = drive

    def suggest(self, trial_id: str) -> Any:
        """Config of the next trial, None where nothing is ready now, FINISHED at the end."""
        drive = self._drive
        drive.tick()
        if drive.spent() and not drive.board.settled:
            drive.stopped = "budget"
            return Searcher.FINISHED
        if len(drive.trials) >= drive.slots:
            return None
        assignment = drive.next()
        if assignment is None:
            drive.changed()
            return Searcher.FINISHED if drive.board.settled else None
        drive.trials[trial_id] = assignment.slot
        drive.started += 1
        return {
            "phase": assignment.spec.id,
            "spec": assignment.spec.model_dump(mode="json"),
            "slot": assignment.slot,
            "context": drive.context,
            "waits": drive.sweep.search.stopping != "none" and assignment.spec.action == "train",
            "group": _group(drive.sweep),
        }

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """The scheduler has seen it already."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tells the board how the phase ended. An actor that died is a failure that may be tried
        again.
        """
        slot = self._drive.trials.pop(trial_id, None)
        if slot is None:
            return
        status = (result or {}).get("status", "")
        board = self._drive.board
        if error or status == "failed":
            retries = 0 if (result or {}).get("hopeless") else self._drive.sweep.resources.retries
            board.failed(slot, (result or {}).get("error") or "the trial's process died", retries)
        elif status == "done":
            board.done(slot)
        else:
            board.pruned(slot)
        self._drive.changed()
        self._drive.tick(force=True)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to keep: the ledger has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to read."""


class PhaseScheduler(FIFOScheduler):
    """Passes reports to the board, and keeps idle trial actors warm.

    Tune keeps at most one idle actor by itself, so at each moment when only one phase is ready all
    other processes would be thrown away and started again.
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
        """STOP where the search gives the phase up."""
        slot, value = self._drive.trials.get(trial.trial_id), result.get("value")
        if slot is None or result.get("status") != "running":
            return str(TrialScheduler.CONTINUE)
        if value is None:
            self._drive.board.progress(slot, result["step"], result["steps"])
            return str(TrialScheduler.CONTINUE)
        go_on = self._drive.board.report(slot, result["step"], result["steps"], value)
        if go_on or not result.get("asked"):
            return str(TrialScheduler.CONTINUE)
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
) -> Outcome:
    """Runs what the board has open. `context` is train.Context as a dict; `changed` is called after
    each end.

    Raises EngineError where Ray can't be used. Ctrl-C ends the running phases after their last
    partial checkpoint and returns an outcome that says so.
    """
    began = time.monotonic()
    drive = _Drive(board, sweep, context, 1, watch, changed, first=board.next())
    if drive.first is not None or not board.settled:
        with cluster.connected(sweep.resources), reaper():
            drive.slots = cluster.slots(sweep.resources)
            _experiment(drive)
    board.settle()
    if board.settled:
        drive.stopped = ""
    elif not drive.stopped:
        drive.stopped = "interrupted"
    for slot in board.running:
        board.released(slot)
    drive.changed()
    drive.tick(force=True)
    return Outcome(
        counts=board.snapshot()["counts"],
        failures=list(board.failures()),
        seconds=time.monotonic() - began,
        started=drive.started,
        stopped=drive.stopped,
        set_aside=board.set_aside,
    )


def _experiment(drive: _Drive) -> None:
    folder = tempfile.mkdtemp(prefix="xstilts-tune-")
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(drive.slots)
    logging.getLogger("ray.tune").setLevel(
        logging.CRITICAL
    )  # the board reports failures, once and in words
    handler = (
        signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread()
        else None
    )
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
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        shutil.rmtree(folder, ignore_errors=True)


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


@contextlib.contextmanager
def reaper(every_seconds: float = 10.0, grace: int = 6) -> Iterator[None]:
    """Frees placement groups of this job that lost their owner.

    A Train run whose controller dies while its group is still pending leaves a group that nobody
    owns and that holds its GPUs until the job ends.
    """
    stop = threading.Event()
    seen: dict[str, int] = {}

    def loop() -> None:
        while not stop.wait(every_seconds):
            with contextlib.suppress(Exception):
                orphans = orphaned_groups()
                for group in list(seen):
                    if group not in orphans:
                        del seen[group]
                for group in orphans:
                    seen[group] = seen.get(group, 0) + 1
                    if seen[group] >= grace:
                        remove_group(group)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def orphaned_groups() -> set[str]:
    """Ids of placement groups of this job in which no actor lives."""
    from ray.util.state import list_actors, list_placement_groups

    job = ray.get_runtime_context().get_job_id()
    groups = list_placement_groups(filters=[("state", "=", "CREATED")], detail=True, limit=10000)
    used = {
        a.placement_group_id for a in list_actors(detail=True, limit=10000) if a.state != "DEAD"
    }
    return {g.placement_group_id for g in groups if g.creator_job_id == job} - used


def remove_group(group: str) -> None:
    """Frees one placement group."""
    from ray._raylet import PlacementGroupID
    from ray.util.placement_group import PlacementGroup, remove_placement_group

    remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(group))))

"""Runs a plan: one Ray Tune experiment for the whole sweep.

Three small adapters stand between Tune and the board. The *searcher* asks the board for the next
phase whenever Tune has a free slot, so a trial that would have to wait is never created. The
*scheduler* passes development values to the board, stops what the search prunes, and lets a trial
whose phase has ended go on with the next (`chaining`). The *callback*
renews the leases and shows progress. Tune's own checkpoints, loggers and restore are not used: the
records are the state, and to resume is to run again.

A run that is to end lets its phases keep a partial checkpoint first (`_Drive.leave`).

Tune runs in a thread of its own. The main thread waits for it and for what may end a run early:
Ctrl-C and other signals, and a cluster that died. Neither can wait until Ray answers.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from xstilts.driver import cluster, leftovers, shared_folder, slots as places
from xstilts.driver.board import Assignment, Board
from xstilts.driver.budget import Meter, spent_before
from xstilts.driver.chaining import goes_on
from xstilts.driver.departures import Departure, Departures
from xstilts.driver.ending import Outcome, outcome
from xstilts.driver.memory import Memory
from xstilts.driver.placement_groups import reaper
from xstilts.driver.signals import number_of
from xstilts.driver.slots import Slots
from xstilts.driver.trial import PhaseTrial
from xstilts.errors import EngineError, XstiltsError
from xstilts.spec.gpus import OR
from xstilts.spec.sweep import Sweep
from xstilts.store.lease import LEASE_SECONDS, RENEWALS

LEAVE_SECONDS = 30.0
"""How long the running phases have to keep a partial checkpoint when the run is to end."""

MOST_PENDING = 100_000
IDLE_SECONDS = 60.0
"""An idle trial actor of a joined cluster is let go after this time, with its GPU."""
Watcher = Callable[[dict[str, Any]], None]


@dataclass
class _Drive:
    """What the three adapters share."""

    board: Board
    sweep: Sweep
    context: dict[str, Any]
    slots: Slots
    meter: Meter
    watch: Watcher
    changed: Callable[[], None]
    departures: Departures
    memory: Memory = field(default_factory=Memory)
    began: float = field(default_factory=time.monotonic)
    stopped: str = ""
    budget: str = ""
    """Which limit of the budget was reached."""
    trials: dict[str, str] = field(default_factory=dict)
    """Tune trial id to slot."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Tune trial id to the kind of GPU that its phase asks for."""
    halted: set[str] = field(default_factory=set)
    """Tune trials whose phase is to leave, because the budget is spent."""
    taken: set[str] = field(default_factory=set)
    """Tune trials that still run though another driver has taken their phase over."""
    first: Assignment | None = None
    """Taken from the board before Ray was started: a finished sweep needs no Ray."""
    sure: Callable[[], None] = lambda: None
    """Raises LeaseLost where another driver has taken the sweep over. Whatever changes the board
    comes after it.
    """
    leaving: bool = False
    """Nothing more is handed out, and the running phases were told to leave."""
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
        self.meter.keep()
        self._spend()
        if force or now - self._shown > 0.5:
            self._shown = now
            waits = "" if self.meter.running or self.stopped else self.slots.waiting()
            self.show(**({"doing": waits} if waits else {}))

    def show(self, **more: Any) -> None:
        """Shows how far the run is, now."""
        snapshot = self.board.snapshot()
        left, slots = snapshot["eta_seconds"], self.slots.now
        left = None if left is None else left / max(1, slots)
        if self.leaving:
            snapshot["doing"] = "keeping checkpoints of the running phases"
        self.watch({**snapshot, "eta_seconds": left, "slots": slots, **more})

    def doing(self, what: str) -> None:
        """Shows what is done before there are phases, or after them."""
        self.show(doing=what)

    def next(self) -> Assignment | None:
        """The board's next phase."""
        first, self.first = self.first, None
        return first or self.board.next()

    def hand_out(self, trial_id: str, kind: str) -> dict[str, Any] | None:
        """The config of the board's next phase, for this trial, which has this kind of GPU; None
        where there is none for it now.
        """
        if self.leaving or self.spent():
            return None
        assignment = self.next()
        if assignment is None:
            self.changed()
            return None
        self.trials[trial_id], self.kinds[trial_id] = assignment.slot, kind
        self.departures.begin(trial_id, assignment.spec.id)
        halvings = self.memory.begin(trial_id, assignment)
        self.meter.started += 1
        return {
            "phase": assignment.spec.id,
            "spec": assignment.spec.model_dump(mode="json"),
            "slot": assignment.slot,
            "context": {**self.context, "halvings": halvings},
            "waits": self.sweep.search.stopping != "none" and assignment.spec.action == "train",
            "kind": kind,
            "group": places.group(self.sweep.resources, kind),
        }

    def hand_on(self, trial_id: str) -> dict[str, Any] | None:
        """The config of the next phase for a trial that keeps its place; None where there is none
        for it now, or the place is another's: of a phase that was handed out before and has none.
        """
        if not self.slots.own and len(self.meter.running) < len(self.trials):
            return None
        kind = self.kinds[trial_id]
        config = self.hand_out(trial_id, kind)
        if config is not None:
            self.meter.begin(config["slot"], kind)
        return config

    def heard(self, trial_id: str, row: dict[str, Any]) -> None:
        """Notes which kind of GPU a trial has got, where several would do, by the nodes in its
        row.
        """
        slot, kind = self.trials.get(trial_id), self.kinds.get(trial_id, "")
        if slot and OR in kind and (found := self.slots.kind_at(row.get("nodes", ()))):
            self.kinds[trial_id] = found
            self.meter.found(slot, found)

    def ended(self, trial_id: str, row: dict[str, Any], *, died: bool = False) -> None:
        """Tells the board how the phase of a trial ended; where its process died, `departures`
        knows why.
        """
        slot, departures, board = self.trials.pop(trial_id, None), self.departures, self.board
        if slot is not None:
            self.meter.end(slot)
        self.memory.end(trial_id)
        if slot is None or trial_id in self.taken:
            departures.forget(trial_id)
            return
        self.may_go_on()
        status = row.get("status", "")
        if died:
            _departed(self, slot, departures.end(trial_id))
        elif status == "failed":
            _failed(self, slot, row, departures.lost_a_node(trial_id))
        elif status == "done":
            board.done(slot)
        elif status == "taken":
            board.put_back(slot)
        else:
            board.pruned(slot)
        departures.forget(trial_id)
        self.changed()
        self.tick(force=True)

    def leave(self) -> None:
        """Ends the run in order: from Tune's next step on nothing is handed out, and each running
        phase keeps a partial checkpoint and goes; the next run carries on from there.

        Safe from any thread. `stopped` says why; the caller sees to it that this ends in time.
        """
        self.leaving = True

    def spent(self) -> bool:
        """Whether the budget is used up before the plan is done."""
        if not self.budget and not self.board.settled:
            self.budget = self.meter.reached()
            self.stopped = "budget" if self.budget else self.stopped
        return bool(self.budget)

    def _spend(self) -> None:
        """Where the budget's time is spent, chooses the phases that stop, and ends Tune's loop once
        all that is left are phases that wait for a place: they would wait on.
        """
        if not self.spent() or not self.meter.stops:
            return
        for trial, slot in self.trials.items():
            rest = self.board.rest_seconds(slot, self.meter.elapsed(slot))
            if self.meter.too_long(slot, rest):
                self.halted.add(trial)
        if self.trials and not self.meter.running:
            self.ending = True
            raise _Ended

    def running_by_kind(self) -> Counter[str]:
        """Kind of GPU to the phases that hold or await one."""
        return Counter(self.kinds[trial] for trial in self.trials)


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
        if drive.leaving or drive.spent():
            return Searcher.FINISHED
        if len(drive.trials) >= drive.slots.asked:
            return None
        kind = drive.slots.kind_for(drive.running_by_kind())
        config = drive.hand_out(trial_id, kind)
        return config or (Searcher.FINISHED if drive.board.settled else None)

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


def _departed(drive: _Drive, slot: str, how: Departure) -> None:
    """The process of a slot's phase has gone."""
    board = drive.board
    if how.kind in ("hung", "died"):
        board.failed(slot, how.why, drive.sweep.resources.retries)
    elif how.kind == "short" or drive.departures.may_lose(slot):
        board.put_back(slot)
    else:
        board.failed(slot, f"{how.why}, as often before; it may be the cause itself", retries=0)


def _failed(drive: _Drive, slot: str, row: dict[str, Any], lost: bool) -> None:
    """A slot's phase has said that it failed; `lost`: because a node of its workers is gone."""
    if lost and drive.departures.may_lose(slot):
        drive.board.put_back(slot)
        return
    retries = 0 if row.get("hopeless") else drive.sweep.resources.retries
    error = row.get("error") or "it failed without a word"
    drive.board.failed(slot, error, retries, damaged=row.get("damaged", ""))


class PhaseScheduler(FIFOScheduler):
    """Passes reports to the board, and keeps idle trial actors alive.

    Tune by itself keeps at most one idle actor: whenever only one phase is ready, it would end all
    other processes and start them again later. But an idle actor holds its GPU, and its node can't
    be taken down; so on a cluster that was joined, actors that have been idle for `IDLE_SECONDS`
    are let go.
    """

    def __init__(self, drive: _Drive) -> None:
        super().__init__()
        self._drive = drive
        self._kept: Counter[Any] = Counter()
        """What a trial holds to the number of idle actors with it that Tune is asked to keep."""
        self._kinds: dict[Any, str] = {}
        self._full = time.monotonic()
        """When every place had a phase for the last time."""

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Asks Tune to keep as many idle actors as there are places."""
        self._kinds[trial.placement_group_factory] = trial.config["kind"]
        self._keep(tune_controller)

    def choose_trial_to_run(self, tune_controller: Any, **more: Any) -> Any:
        """Tune's own choice. It is asked in each step, so the number of idle actors follows the
        cluster here.
        """
        self._keep(tune_controller)
        return super().choose_trial_to_run(tune_controller, **more)

    def _keep(self, tune_controller: Any) -> None:
        slots, running = self._drive.slots, self._drive.running_by_kind()
        if len(self._drive.trials) >= slots.now:
            self._full = time.monotonic()
        idle = not slots.own and time.monotonic() - self._full > IDLE_SECONDS
        # An idle actor of a kind would keep its GPU from a phase that takes any kind.
        waiting = sum(count for kind, count in running.items() if OR in kind)
        fits = slots.by_kind
        cache = tune_controller._tune_controller._actor_cache
        for place, kind in self._kinds.items():
            most = running[kind] if idle else min(fits.get(kind, 0), slots.now)
            wanted = 0 if OR in kind else max(0, most - waiting)
            if wanted != self._kept[place]:
                cache.increase_max(place, wanted - self._kept[place])
                self._kept[place] = wanted

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Notes which process it was, before Tune forgets it."""
        self._drive.departures.died(trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """STOP where the search prunes the phase, or another driver has taken it over."""
        self._drive.may_go_on()
        if trial.trial_id in self._drive.taken:
            return _stop(trial)
        self._drive.memory.heard(trial.trial_id, result)
        self._drive.heard(trial.trial_id, result)
        if self._drive.departures.heard(trial, result):
            return str(TrialScheduler.CONTINUE)  # its process was killed: Tune sees it die
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

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        slot = self._drive.trials.get(trial.trial_id)
        if slot is not None:
            self._drive.meter.begin(slot, self._drive.kinds[trial.trial_id])

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._drive.tick()
        self._drive.departures.look(trials, self._drive.leaving, self._drive.halted)


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
    drive = _Drive(board, sweep, context, slots, meter, watch, changed, departures, sure=sure)
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
                if not slots.own and "://" not in context["store"]:
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


def _experiment(drive: _Drive, joined: cluster.Cluster) -> None:
    """Runs Tune until the plan is done or something ends it early."""
    errors: list[BaseException] = []
    # Not `Thread.join`: at a KeyboardInterrupt within, Python takes the thread for ended.
    over = threading.Event()
    with leftovers.own_folder("tune") as folder:
        given = (drive, str(folder), errors, over)
        threading.Thread(target=_tune, args=given, daemon=True).start()
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


def _tune(drive: _Drive, folder: str, errors: list[BaseException], over: threading.Event) -> None:
    """One Tune experiment; what ends it early is left in `errors`, and `over` is set at its end."""
    # The searcher limits them, as the cluster grows and shrinks.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(MOST_PENDING)
    # The board reports failures itself, each once.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # It would warn that it can't handle SIGTERM in this thread, which is as it should be.
    logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
    resources = drive.sweep.resources
    trainable = tune.with_resources(
        PhaseTrial, lambda config: places.placement(resources, config["kind"])
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
                callbacks=[_Ticker(drive)],
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


def _rate(result: dict[str, Any]) -> str:
    """How fast a phase was since its last report, in words; empty where it does not say."""
    for name, unit in (("tokens_per_second", "tokens/s"), ("examples_per_second", "examples/s")):
        if result.get(name):
            return f"{result[name]:,.0f} {unit}"
    return ""


def _trial_name(trial: Any) -> str:
    return f"{trial.config['phase']}-{trial.trial_id}"

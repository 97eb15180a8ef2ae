"""Three small adapters between Tune and the board.

The *searcher* asks the board for the next phase whenever Tune has a free slot, so a trial that
would have to wait is never created. The *scheduler* passes development values to the board, stops
what the search prunes, and lets a trial whose phase has ended go on with the next (`chaining`). The
*callback* renews the leases and shows progress. All state is the `Drive`'s.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from xstilts.driver.chaining import goes_on
from xstilts.driver.drive import Drive
from xstilts.spec.gpus import OR

IDLE_SECONDS = 60.0
"""An idle trial actor of a joined cluster is let go after this time, with its GPU."""


class PhaseSearcher(Searcher):
    """Hands Tune the board's next phase."""

    def __init__(self, drive: Drive) -> None:
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


class PhaseScheduler(FIFOScheduler):
    """Passes reports to the board, and keeps idle trial actors alive.

    Tune by itself keeps at most one idle actor: whenever only one phase is ready, it would end all
    other processes and start them again later. But an idle actor holds its GPU, and its node can't
    be taken down; so on a cluster that was joined, actors that have been idle for `IDLE_SECONDS`
    are let go.
    """

    def __init__(self, drive: Drive) -> None:
        super().__init__()
        self._drive = drive
        self._kept: Counter[Any] = Counter()
        """What a trial holds to the number of idle actors with it that Tune is asked to keep."""
        self._kinds: dict[Any, str] = {}
        self._full = time.monotonic()
        """When every place had a phase for the last time."""

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Asks Tune to keep as many idle actors as there are places."""
        if not trial.config["avoided"]:
            self._kinds[trial.placement_group_factory] = trial.config["kind"]
        self._keep(tune_controller)

    def choose_trial_to_run(self, tune_controller: Any, **more: Any) -> Any:
        """Tune's own choice. It is asked in each step, so the number of idle actors follows the
        cluster here, and phases that wait for nodes that have gone are taken back.
        """
        self._keep(tune_controller)
        self._take_back(tune_controller._tune_controller)
        return super().choose_trial_to_run(tune_controller, **more)

    def _keep(self, tune_controller: Any) -> None:
        slots, running = self._drive.slots, self._drive.running_by_kind()
        if len(self._drive.trials) >= slots.now:
            self._full = time.monotonic()
        idle = not slots.own and time.monotonic() - self._full > IDLE_SECONDS
        # An idle actor of a kind would keep its GPU from a phase that takes any kind, and any from
        # one that hung and is to go to another node.
        waiting = sum(count for kind, count in running.items() if OR in kind)
        elsewhere = bool(self._drive.waiting_elsewhere())
        fits = slots.by_kind
        cache = tune_controller._tune_controller._actor_cache
        for place, kind in self._kinds.items():
            most = running[kind] if idle else min(fits.get(kind, 0), slots.now)
            wanted = 0 if OR in kind or elsewhere else max(0, most - waiting)
            if wanted != self._kept[place]:
                cache.increase_max(place, wanted - self._kept[place])
                self._kept[place] = wanted

    def _take_back(self, controller: Any) -> None:
        """Ends trials that wait for a place which is no longer there (`Drive.in_vain`). Their
        phases are handed out again.
        """
        waiting = [one for one in controller.get_live_trials() if _waits(one)]
        in_vain = self._drive.in_vain([one.trial_id for one in waiting]) if waiting else ()
        for trial in waiting:
            if trial.trial_id in in_vain:
                self._drive.take_back(trial.trial_id)
                controller.stop_trial(trial)
                if trial in controller._staged_trials:  # Tune forgets it for one without an actor
                    controller._unstage_trial_with_resources(trial)

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


def _waits(trial: Any) -> bool:
    """Whether a trial has no place yet."""
    return trial.status == "PENDING" and trial.temporary_state.ray_actor is None


def _stop(trial: Any) -> str:
    """Ends a trial's phase at once, and the trial."""
    actor = trial.temporary_state.ray_actor
    if actor is not None:
        actor.prune.remote()
    return str(TrialScheduler.STOP)


class Ticker(tune.Callback):
    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        slot = self._drive.trials.get(trial.trial_id)
        if slot is not None:
            self._drive.meter.begin(slot, self._drive.kinds[trial.trial_id])

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._drive.tick()
        self._drive.departures.look(trials, self._drive.leaving, self._drive.halted)


def _rate(result: dict[str, Any]) -> str:
    """How fast a phase was since its last report, in words; empty where it does not say."""
    for name, unit in (("tokens_per_second", "tokens/s"), ("examples_per_second", "examples/s")):
        if result.get(name):
            return f"{result[name]:,.0f} {unit}"
    return ""

"""One Tune trial runs phase after phase.

A trial of Tune costs its driver more than the bookkeeping of a phase, and Tune keeps every trial in
memory until the experiment ends. So a trial goes on with the next phase when its own has ended, in
the same process and on the same kind of GPU, as long as one is ready; where none is, it ends,
because a trial never waits while it holds something. The number of trials then follows the slots
and the gaps, not the phases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ray.tune.schedulers import TrialScheduler

if TYPE_CHECKING:
    from xstilts.driver.engine import _Drive


def phase_ended(drive: _Drive, trial: Any, result: dict[str, Any]) -> str:
    """Tells the board how the trial's phase ended, and lets the trial go on with the next: CONTINUE
    where there is one, else STOP.
    """
    drive.ended(trial.trial_id, result)
    actor = trial.temporary_state.ray_actor
    kind = drive.kinds[trial.trial_id]
    config = None if actor is None else drive.hand_out(trial.trial_id, kind)
    if config is None:
        return str(TrialScheduler.STOP)
    drive.meter.begin(config["slot"], kind)
    actor.go_on.remote(config)
    return str(TrialScheduler.CONTINUE)

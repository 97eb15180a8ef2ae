"""One Tune trial runs phase after phase.

A trial of Tune costs its driver more than the bookkeeping of a phase, and Tune keeps every trial in
memory until the experiment ends. So a trial goes on with the next phase when its own has ended, in
the same process and on the same kind of GPU, as long as one is ready; where none is, it ends,
because a trial never waits while it holds something. The number of trials then follows the slots
and the gaps, not the phases.
"""

from __future__ import annotations

from typing import Any

from xstilts.driver.drive import Drive


def goes_on(drive: Drive, trial: Any, result: dict[str, Any]) -> bool:
    """Tells the board how the phase of a trial of Tune ended, and lets the trial go on with the
    next; False where there is none, and it must end.
    """
    drive.ended(trial.trial_id, result)
    actor = trial.temporary_state.ray_actor
    config = None if actor is None else drive.hand_on(trial.trial_id)
    if config is None:
        return False
    actor.go_on.remote(config)
    return True

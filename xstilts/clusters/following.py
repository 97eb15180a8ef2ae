"""A job's log, line by line until the job ends, and how it ended.

The log goes on where the connection breaks: whoever follows is told, and a cluster that answers
again within ten minutes is followed from the line that was last seen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress

from xstilts.clusters.dashboard import Away, Dashboard, Job
from xstilts.clusters.start import BEGINS
from xstilts.errors import EngineError, visible

Tell = Callable[[str], None]
AWAY_SECONDS = 600.0
"""How long a cluster that does not answer is waited for."""
PAUSE_SECONDS = 1.0
"""Time between two tries."""
STATUS_SECONDS = 15.0
"""How long a job may be listed as running after its supervisor has ended."""
_RAYS_OWN = re.compile(r"Running entrypoint for job |\S+ \S+\sINFO job_manager\.py|" + BEGINS)
"""Lines of a job's log that are about the job and not of the sweep."""


class Lines:
    """Whole lines out of pieces of a text that may begin anew; each is told once."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._told, self._seen, self._rest = tell, 0, 0, ""

    def again(self) -> None:
        """The text begins anew."""
        self._seen, self._rest = 0, ""

    def take(self, piece: str) -> None:
        """Tells the lines that are whole now."""
        *lines, self._rest = (self._rest + piece).split("\n")
        for line in lines:
            self._seen += 1
            if self._seen > self._told:
                self._told = self._seen
                if not _RAYS_OWN.match(line):
                    self._tell(visible(line, "\t"))

    def end(self) -> None:
        """Tells what is left."""
        if self._rest:
            self.take("\n")


def sweeps_lines(log: str) -> list[str]:
    """The lines of a log that the sweep wrote."""
    kept: list[str] = []
    lines = Lines(kept.append)
    lines.take(log)
    lines.end()
    return kept


def follow(dashboard: Dashboard, name: str, log: Tell, tell: Tell = lambda said: None) -> Job:
    """Gives `log` the job's lines until it ends; `tell` is told where the cluster is away. Returns
    the job that has ended. EngineError where it was lost, or the cluster stays away.
    """
    lines = Lines(log)
    away_since: float | None = None
    while True:
        lines.again()
        with suppress(Away):  # whether the cluster is away, or only this connection, is asked next
            dashboard.follow(name, lines.take)
        try:
            if job := ended(dashboard, name):
                lines.end()
                return job
            away_since = None
        except Away as error:
            now = time.monotonic()
            if away_since is None:
                away_since = now
                tell(f"{error}; trying on, the job is not touched by that")
            if now - away_since > AWAY_SECONDS:
                raise
        time.sleep(PAUSE_SECONDS)


def ended(dashboard: Dashboard, name: str) -> Job | None:
    """The job, if it has ended; None where it goes on. A moment is waited for a supervisor that has
    written no status yet. EngineError where the job is lost.
    """
    until = time.monotonic() + STATUS_SECONDS
    while True:
        job = dashboard.job(name)
        if not job.open:
            return job
        if dashboard.lives(name):
            return None
        if time.monotonic() > until:
            raise EngineError(lost(job))
        time.sleep(0.5)


def lost(job: Job) -> str:
    """What is said of a job that is listed as running and has no supervisor."""
    return (
        f"the job {job.id} is listed as {job.status.lower()}, but nothing of it lives: its "
        "cluster's head has died; `xstilts submit` carries on from what the store has"
    )

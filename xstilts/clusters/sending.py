"""Sends a sweep to a cluster as a job, once: where a job of it lives already, that one is joined.

A job's command is `xstilts run` on the head, with the sweep file and its own files in the current
folder of the driver and of all workers. The cluster's own xstilts runs it if it is the submitter's
version; where it is not, or the submitter's is no released version, the code is sent too.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.clusters import start
from xstilts.clusters.dashboard import Dashboard, Job, Used
from xstilts.clusters.environment import variables
from xstilts.clusters.following import lost
from xstilts.clusters.jobs import CODE, Changes, changes, jobs_of, lives, next_id
from xstilts.clusters.package import Code, Package, uri, zipped
from xstilts.errors import EngineError, InputError
from xstilts.spec.sweep import Sweep

Tell = Callable[[str], None]
TRIES = 5
"""Ids that are tried: others may submit at the same time, and a deleted job's id is never free."""
START_SECONDS = 300.0
"""How long a job may take to begin; a large package is unpacked before."""
_STARTER = ".xstilts-start.py"


@dataclass(frozen=True, kw_only=True)
class Sending:
    """All that a job is made of."""

    sweep: Sweep
    package: Package
    code: Code
    words: tuple[str, ...]
    """Words of the command line of `xstilts` in the job."""
    metadata: Mapping[str, str]

    @property
    def name(self) -> str:
        """The sweep, for messages and other commands."""
        return f"{self.sweep.name}-v{self.sweep.version}"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The job that runs a sweep."""

    id: str
    joined: bool
    """Whether it ran before."""


def send(dashboard: Dashboard, sending: Sending, tell: Tell = lambda said: None) -> Sent:
    """The job that runs the sweep: the living one, or a new one. InputError where the living one
    runs something else; EngineError where none can be started. `tell` gets what is done, and what
    differs from the last job.
    """
    with_code = not sending.code.released
    for attempt in range(TRIES):
        jobs = dashboard.jobs()
        last = next(iter(reversed(_own(jobs, sending))), None)
        if last is not None and lives(dashboard, last):
            _same(last, changes(last.metadata, sending.metadata))
            return Sent(id=last.id, joined=True)
        if not attempt:
            _told_before(last, sending, tell)
        name = next_id(sending.sweep.name, sending.sweep.version, jobs)
        try:
            dashboard.submit(
                name,
                _entrypoint(sending),
                _runtime(dashboard, sending, with_code, tell),
                dict(sending.metadata),
            )
        except Used:
            continue
        job = _begun(dashboard, name)
        if job.status == "FAILED" and "Failed to start supervisor actor" in job.message:
            continue
        if job.exit_code == start.OTHER_VERSION and not with_code:
            with_code = True
            tell(f"{_why(dashboard, name)}: it is sent with the job")
            continue
        return Sent(id=name, joined=False)
    raise EngineError(
        f"{dashboard.shown}: no job of {sending.name} could be started in {TRIES} tries; are "
        "others submitting it at the same time?"
    )


def _own(jobs: list[Job], sending: Sending) -> list[Job]:
    return jobs_of(jobs, sending.sweep.name, sending.sweep.version)


def _same(job: Job, differing: Changes) -> None:
    """InputError where the living job runs something else than what is submitted."""
    if words := differing.words():
        raise InputError(
            f"{job.id} runs {job.metadata.get('job_name')} with {' and '.join(words)}; `xstilts "
            f"stop {job.id}` and submit again for this one, `xstilts logs {job.id} --follow` to "
            "watch that one, or raise `version` to run both"
        )


def _told_before(job: Job | None, sending: Sending, tell: Tell) -> None:
    """Says before anything runs which code is sent, and what has changed since the last job."""
    if not sending.code.released:
        tell(f"xstilts {sending.code.version} is no released version: it is sent with the job")
    if job is None:
        return
    differing = changes(job.metadata, sending.metadata)
    if job.open:
        tell(lost(job))
    if differing.plan:
        tell(
            f"since {job.id}: another plan ({differing.plan}); the run refuses it where the store "
            "has begun with the other one: then raise `version`"
        )
    if differing.store:
        tell(f"since {job.id}: another store ({differing.store}); what it lacks is run again")
    if differing.files:
        tell(f"since {job.id}: {differing.files}; phases that read these files are run again")
    if differing.code:
        tell(
            f"since {job.id}: another xstilts ({differing.code}); phases whose recipe has changed "
            "are run again"
        )


def _entrypoint(sending: Sending) -> str:
    words = ["python3", _STARTER, sending.code.version, *sending.words]
    return shlex.join(words)


def _runtime(dashboard: Dashboard, sending: Sending, with_code: bool, tell: Tell) -> dict[str, Any]:
    """The job's runtime environment; its packages are uploaded."""
    starter = Path(start.__file__).read_bytes()
    packed = zipped({**sending.package.files, _STARTER: starter})
    runtime: dict[str, Any] = {"working_dir": _kept(dashboard, packed, "files", tell)}
    if with_code:
        modules = zipped(sending.code.files)
        runtime["py_modules"] = [_kept(dashboard, modules, "xstilts", tell)]
    return {**runtime, "env_vars": variables()}


def _kept(dashboard: Dashboard, packed: bytes, what: str, tell: Tell) -> str:
    if dashboard.keep(uri(packed), packed):
        tell(f"sent {what}: {_size(len(packed))}")
    return uri(packed)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count > 2**19 else f"{count / 2**10:.0f} KiB"


def _begun(dashboard: Dashboard, name: str) -> Job:
    """The job once it has begun its work, or ended without."""
    until = time.monotonic() + START_SECONDS
    while True:
        job = dashboard.job(name)
        if not job.open or (job.status == "RUNNING" and start.BEGINS in dashboard.log(name)):
            return job
        if time.monotonic() > until:
            raise EngineError(
                f"{name} has not begun within {START_SECONDS:.0f} s ({job.message}); `xstilts logs "
                f"{name}` shows what it says, `xstilts stop {name}` ends it"
            )
        time.sleep(0.5)


def _why(dashboard: Dashboard, name: str) -> str:
    """What a job said that found another xstilts than the submitter's."""
    said = [line for line in dashboard.log(name).splitlines() if line.startswith(start.SAID)]
    return said[-1] if said else "the cluster has another xstilts"


def code_of(job: Job) -> str:
    """The version of xstilts that a job runs."""
    return job.metadata.get(CODE, "?")

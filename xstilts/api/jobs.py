"""Sweeps as jobs of a cluster: sent, found again from another machine, watched, stopped."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.api.given import AnySweep, base_of, file_of, load
from xstilts.errors import EngineError, InputError, first_line
from xstilts.spec.addresses import is_address
from xstilts.spec.sweep import Sweep

if TYPE_CHECKING:
    from xstilts.clusters.dashboard import Dashboard, Job
    from xstilts.clusters.sending import Sending

Tell = Callable[[str], None]
_TELLS = re.compile(r"\[[^\]]+\] |stopped after |(\d+ h )?\d+ (s|min): |error: ")
"""Begins the lines of `cli.progress`, and the one that tells what ended a run."""


@dataclass(frozen=True, kw_only=True)
class JobState:
    """A job of a sweep on a cluster."""

    job: str
    """Its id: `demo-v1-3`."""
    sweep: str
    """`demo v1`."""
    state: str
    """`waiting` (to begin), `running`, `done`, `failed`, `stopped`, or `lost` with its head."""
    store: str
    version: str
    """The xstilts that it runs."""
    started: float
    """Seconds since 1970."""
    ended: float | None
    exit_code: int | None
    """What `xstilts run` ended with there; None while it runs, and where it was killed."""
    last: str
    """The last line of its log that tells how far it is or what ended it, else the last one, else
    what Ray says.
    """
    joined: bool = False
    """Whether `submit` found it running."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def submit(
    sweep: AnySweep,
    *,
    address: str | None = None,
    store: str | None = None,
    tracking: str | None = None,
    mirror: str | None = None,
    remake: Sequence[str] = (),
    wait: bool = True,
    log: Tell = print,
    tell: Tell = lambda said: None,
    begun: Callable[[str, bool], None] = lambda job, joined: None,
) -> JobState:
    """Runs the sweep as a job of a cluster; where a job of it lives there already, joins that.

    `address`: the dashboard (`http://HOST:8265`) or address (`HOST:6379`) of the cluster; left out:
    RAY_ADDRESS, then the cluster of `cluster.yaml` in the current folder. With `wait` returns when
    the job has ended, and `log` gets the lines that it prints; what ends the wait (Ctrl-C) leaves
    the job alone. `tell` gets what is done here, `begun` the job's id and whether it ran before.
    `remake` is as in `run`; a job that lives already is not told of it.
    InputError where something given is wrong, EngineError where the cluster is.
    """
    from xstilts.clusters.address import dashboard_of
    from xstilts.clusters.sending import send

    opened = load(sweep, store=store, tracking=tracking, mirror=mirror)
    with dashboard_of(address, tell) as dashboard:
        sent = send(dashboard, _sending(sweep, opened, dashboard, tell, remake), tell)
        if sent.joined and remake:
            tell("nothing is made again: that job was begun without it; ask when it has ended")
        begun(sent.id, sent.joined)
        if wait:
            _follow(dashboard, sent.id, log, tell)
        return _state(dashboard, dashboard.job(sent.id), joined=sent.joined)


def _sending(
    given: AnySweep, sweep: Sweep, dashboard: Dashboard, tell: Tell, remake: Sequence[str]
) -> Sending:
    """What a job of the sweep is made of. InputError where it can't be sent."""
    from xstilts.clusters.jobs import described
    from xstilts.clusters.package import code, package
    from xstilts.clusters.sending import Sending

    home = shared_store(sweep.store, len(dashboard.nodes()), tell)
    file = file_of(given)
    text = Path(file).read_bytes() if file else sweep.model_dump_json(indent=1).encode()
    packed = package(sweep, file, text, base_of(given))
    there = [*packed.not_sent, *([sweep.mirror] if sweep.mirror else [])]
    for path in there:
        tell(f"not sent: {path}; every node of the cluster must have it")
    words = ["run" if file else "run-value", packed.sweep_file, "--store", home]
    words += ["--tracking", sweep.tracking] if sweep.tracking else []
    words += ["--mirror", sweep.mirror] if sweep.mirror else []
    words += [word for one in remake for word in ("--remake", one)]
    here = code()
    return Sending(
        sweep=sweep,
        package=packed,
        code=here,
        words=tuple(words),
        metadata=described(sweep, packed.hashes, here.version, home),
    )


def shared_store(store: str, nodes: int, tell: Tell) -> str:
    """The store's address as the job must know it: it starts in another folder. InputError for a
    folder that the nodes of a cluster can't have in common.
    """
    if is_address(store) or os.path.isabs(store):
        return store
    if nodes > 1:
        raise InputError(
            f"store is {store}, a folder of this machine or user, and the cluster has {nodes} "
            "nodes, which must all reach it: give --store a folder that every node has at the same "
            "path (it begins with `/`), or an address such as s3://BUCKET/PREFIX"
        )
    home = os.path.abspath(os.path.expanduser(store))
    tell(f"the store is {home} on the cluster's machine")
    return home


def _follow(dashboard: Dashboard, job: str, log: Tell, tell: Tell) -> None:
    from xstilts.clusters.following import follow

    follow(dashboard, job, log, tell)


def job_status(sweep: AnySweep, *, address: str | None = None) -> JobState:
    """The newest job of a sweep on a cluster; `sweep` is its file, its name (`demo`, `demo-v2`) or
    a job's id. `address` as in `submit`.
    """
    from xstilts.clusters.address import dashboard_of

    with dashboard_of(address) as dashboard:
        return _state(dashboard, _job(dashboard, sweep))


def logs(
    sweep: AnySweep,
    *,
    address: str | None = None,
    follow: bool = False,
    log: Tell = print,
    tell: Tell = lambda said: None,
) -> JobState:
    """Gives `log` the lines that the newest job of a sweep has printed; with `follow` those to
    come, too, until it ends. Arguments as in `job_status`.
    """
    from xstilts.clusters.address import dashboard_of
    from xstilts.clusters.following import sweeps_lines

    with dashboard_of(address, tell) as dashboard:
        job = _job(dashboard, sweep)
        if follow:
            _follow(dashboard, job.id, log, tell)
        else:
            for line in sweeps_lines(dashboard.log(job.id)):
                log(line)
        return _state(dashboard, dashboard.job(job.id))


def stop(
    sweep: AnySweep, *, address: str | None = None, tell: Tell = lambda said: None
) -> JobState:
    """Ends the newest job of a sweep, and returns when it has ended: its phases get time to write
    partial checkpoints, from which the next `submit` goes on. Arguments as in `job_status`.
    """
    from xstilts.clusters.address import dashboard_of
    from xstilts.clusters.environment import STOP_SECONDS
    from xstilts.clusters.jobs import lives

    with dashboard_of(address, tell) as dashboard:
        job = _job(dashboard, sweep)
        if not lives(dashboard, job):
            return _state(dashboard, dashboard.job(job.id))
        dashboard.stop(job.id)
        tell(f"{job.id} was asked to end; its phases write what they have")
        until = time.monotonic() + STOP_SECONDS + 60
        while (now := _state(dashboard, dashboard.job(job.id))).state in ("running", "waiting"):
            if time.monotonic() > until:
                raise EngineError(f"{job.id} has not ended; `xstilts logs {job.id}` shows more")
            time.sleep(1)
        return now


def _job(dashboard: Dashboard, given: AnySweep) -> Job:
    """The newest job of what the user names."""
    from xstilts.clusters.jobs import jobs_of, named

    jobs = dashboard.jobs()
    if not isinstance(given, Sweep) and not _is_file(os.fspath(given)):
        return named(jobs, os.fspath(given))
    sweep = load(given)
    own = jobs_of(jobs, sweep.name, sweep.version)
    return own[-1] if own else named(jobs, f"{sweep.name}-v{sweep.version}")


def _is_file(given: str) -> bool:
    """Whether a sweep file is meant, and not a name."""
    return given.endswith((".yaml", ".yml")) or os.path.isfile(given)


def _state(dashboard: Dashboard, job: Job, joined: bool = False) -> JobState:
    from xstilts.clusters.jobs import STORE, SWEEP, VERSION
    from xstilts.clusters.sending import code_of

    states = {"PENDING": "waiting", "RUNNING": "running", "SUCCEEDED": "done"}
    state = states.get(job.status, job.status.lower())
    if job.open and not dashboard.lives(job.id):
        job = dashboard.job(job.id)
        state = "lost" if job.open else states.get(job.status, job.status.lower())
    lines = [line for line in _lines(dashboard, job) if line.strip()]
    return JobState(
        job=job.id,
        sweep=f"{job.metadata.get(SWEEP)} v{job.metadata.get(VERSION)}",
        state=state,
        store=job.metadata.get(STORE, ""),
        version=code_of(job),
        started=job.started,
        ended=job.ended or None,
        exit_code=job.exit_code,
        last=_progress(lines) or first_line(job.message),
        joined=joined,
    )


def _progress(lines: list[str]) -> str:
    """The last line that tells how far the sweep is or what ended it, else the last line."""
    told = [line for line in lines if _TELLS.match(line)]
    return (told or lines or [""])[-1]


def _lines(dashboard: Dashboard, job: Job) -> list[str]:
    """What a job has printed; nothing where its log went with its machine."""
    from xstilts.clusters.following import sweeps_lines

    try:
        return sweeps_lines(dashboard.log(job.id))
    except EngineError:
        return []

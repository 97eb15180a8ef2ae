"""The jobs of a sweep on a cluster: their ids, what they say of themselves, which of them lives.

A job of the sweep `demo`, version 2, is called `demo-v2-1`, the next one `demo-v2-2`: Ray never
takes an id twice. Its metadata say what it was submitted with: the plan (whole, and its digest),
the hashes of the files that came with it, the version of xstilts, the store. So whoever submits the
sweep again, from whatever machine, is told what differs before anything runs.

One job of a sweep lives at a time. Whether one does is asked of its supervisor, an actor on the
head: after a head has died and come back, Ray's list goes on calling its jobs running.
"""

from __future__ import annotations

import base64
import json
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xstilts.clusters.dashboard import Dashboard, Job
from xstilts.driver.session import changed_words, plan_of
from xstilts.errors import InputError, nearest
from xstilts.spec.digests import digest
from xstilts.spec.sweep import Sweep

SWEEP = "xstilts_sweep"
VERSION = "xstilts_sweep_version"
CODE = "xstilts_version"
STORE = "xstilts_store"
PLAN = "xstilts_plan"
PLAN_DIGEST = "xstilts_plan_digest"
FILES = "xstilts_files"
PENDING_SECONDS = 30.0
"""How long a job may be listed before it has a supervisor."""


def described(sweep: Sweep, hashes: Mapping[str, str], code: str, store: str) -> dict[str, str]:
    """The metadata of a job; Ray keeps texts only."""
    plan = plan_of(sweep)
    return {
        "job_name": f"{sweep.name} v{sweep.version}",
        SWEEP: sweep.name,
        VERSION: str(sweep.version),
        CODE: code,
        STORE: store,
        PLAN: _packed(plan),
        PLAN_DIGEST: digest(plan),
        FILES: _packed(dict(hashes)),
    }


def _packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), 9)).decode()


def _unpacked(text: str) -> Any:
    """The value; None where the metadata are another program's."""
    try:
        return json.loads(zlib.decompress(base64.b64decode(text)))
    except (ValueError, zlib.error):
        return None


def number(job: Job) -> int:
    """The last part of a job's id; 0 where it has none."""
    found = re.search(r"-(\d+)$", job.id)
    return int(found[1]) if found else 0


def next_id(name: str, version: int, jobs: Iterable[Job]) -> str:
    """The id of a sweep's next job: a number that no listed job has."""
    begins = f"{name}-v{version}-"
    used = [number(job) for job in jobs if job.id.startswith(begins)]
    return f"{begins}{max(used, default=0) + 1}"


def jobs_of(jobs: Iterable[Job], name: str, version: int) -> list[Job]:
    """A sweep's jobs, the newest last."""
    own = [
        job
        for job in jobs
        if job.metadata.get(SWEEP) == name and job.metadata.get(VERSION) == str(version)
    ]
    return sorted(own, key=lambda job: (job.started, number(job)))


def named(jobs: Iterable[Job], name: str) -> Job:
    """The newest job of what a user names: a sweep (`demo`, its newest job of any version), a
    version of it (`demo-v2`), or a job (`demo-v2-1`). InputError where there is none.
    """
    ours = sorted((job for job in jobs if SWEEP in job.metadata), key=lambda job: job.started)
    for job in reversed(ours):
        sweep, version = job.metadata[SWEEP], job.metadata.get(VERSION, "")
        if name in (sweep, f"{sweep}-v{version}", job.id):
            return job
    known = {job.metadata[SWEEP] for job in ours}
    raise InputError(
        f"the cluster has no job of a sweep `{name}`{nearest(name, known)}"
        + ("" if known else "; no sweep was submitted to it since its head was started")
    )


def lives(dashboard: Dashboard, job: Job) -> bool:
    """Whether a job runs or is about to."""
    until = time.monotonic() + PENDING_SECONDS
    while job.open:
        if dashboard.lives(job.id):
            return True
        if job.status == "RUNNING" or time.monotonic() > until:
            job = dashboard.job(job.id)  # it may just have ended
            return job.open and dashboard.lives(job.id)
        time.sleep(0.5)
        job = dashboard.job(job.id)
    return False


# -- what differs


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What differs between a job of a sweep and what is submitted now, in words; empty: nothing."""

    plan: str = ""
    files: str = ""
    code: str = ""
    store: str = ""

    def words(self) -> list[str]:
        """A part of a sentence for each."""
        parts = []
        if self.plan:
            parts.append(f"another plan ({self.plan})")
        if self.files:
            parts.append(f"other files ({self.files})")
        if self.code:
            parts.append(f"another xstilts ({self.code})")
        if self.store:
            parts.append(f"another store ({self.store})")
        return parts


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """What differs between the metadata of two jobs of one sweep."""
    plan = ""
    if before.get(PLAN_DIGEST) != now[PLAN_DIGEST]:
        plan = changed_words(_unpacked(before.get(PLAN, "")), _unpacked(now[PLAN]))

    def other(key: str) -> str:
        old, new = before.get(key), now[key]
        return "" if old == new else f"{old} -> {new}"

    return Changes(
        plan=plan,
        files=_changed_files(_unpacked(before.get(FILES, "")), _unpacked(now[FILES])),
        code=other(CODE),
        store=other(STORE),
    )


def _changed_files(before: Any, now: Mapping[str, str]) -> str:
    """Which files are new, gone or have another content; the sweep file itself is the plan's."""
    old = before if isinstance(before, dict) else {}
    words = []
    for name in sorted({*old, *now}):
        if old.get(name) != now.get(name):
            how = "new" if name not in old else "gone" if name not in now else "changed"
            words.append(f"{name} {how}")
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return ", ".join(words[:5]) + more

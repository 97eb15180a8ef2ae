"""The verbs as functions: they return what the command line prints.

Each takes a sweep (a path or a `Sweep`), and optionally a store, mirror or tracking URI that
overrides the file's. Relative paths in a sweep's tasks start from the folder of its file.

    drafts           init             a sweep file from a few answers
    check_and_plan   check, plan      before anything is spent
    causes           why              what differs from what is done already
    runs             run
    jobs             submit, stop, logs, job_status   the same as a job of a cluster
    results          status, scores, report, submission, track
    exports          export
    task_lists       list_tasks
    machine          doctor, fetch
    verification     verify
    clusters         cluster_check, cluster_token
    pruning          prune

`given` reads a verb's argument. `opened` makes the sweep, plan and store from it, once for each
verb. `inputs` finds the data and models that a plan reads, `notes` tells what a reader of the
results should know, and `verb_values` has what the verbs return.
"""

from __future__ import annotations

from xstilts.api.causes import why
from xstilts.api.check_and_plan import check, plan
from xstilts.api.clusters import cluster_check, cluster_token
from xstilts.api.drafts import init
from xstilts.api.exports import export
from xstilts.api.given import AnySweep, folder_of, load
from xstilts.api.inputs import data_context, resolve, with_labels
from xstilts.api.jobs import job_status, logs, stop, submit
from xstilts.api.machine import doctor, fetch
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.pruning import prune
from xstilts.api.results import report, scores, status, submission, track
from xstilts.api.runs import run
from xstilts.api.task_lists import list_tasks
from xstilts.api.verification import verify

__all__ = [
    "AnySweep",
    "Opened",
    "check",
    "cluster_check",
    "cluster_token",
    "data_context",
    "doctor",
    "export",
    "fetch",
    "folder_of",
    "init",
    "job_status",
    "list_tasks",
    "load",
    "logs",
    "open_sweep",
    "plan",
    "prune",
    "report",
    "resolve",
    "run",
    "scores",
    "status",
    "stop",
    "submission",
    "submit",
    "track",
    "verify",
    "why",
    "with_labels",
]

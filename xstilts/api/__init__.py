"""The verbs, as functions: what the command line prints, these return.

Each takes a sweep (a path or a `Sweep`) and may be given another store, mirror or tracking URI than
the file's. Relative paths in a sweep's tasks start from the folder of its file.

    looking      check, plan      before anything is spent
    running      run              (`driver`: one driver a sweep, one plan a version)
    afterwards   status, scores, report, submission, track
    machine      doctor, fetch

`asking` makes a sweep of what a verb was given, `inputs` finds the data and models it reads,
`notes` says what a reader of its results should know.
"""

from __future__ import annotations

from xstilts.api.check_and_plan import check, plan
from xstilts.api.inputs import data_context, resolve, with_labels
from xstilts.api.machine import doctor, fetch
from xstilts.api.opened import AnySweep, folder_of, load
from xstilts.api.results import report, scores, status, submission, track
from xstilts.api.runs import run

__all__ = [
    "AnySweep",
    "check",
    "data_context",
    "doctor",
    "fetch",
    "folder_of",
    "load",
    "plan",
    "report",
    "resolve",
    "run",
    "scores",
    "status",
    "submission",
    "track",
    "with_labels",
]

"""The verbs, as functions: what the command line prints, these return.

Each takes a sweep (a path or a `Sweep`) and may be given another store, mirror or tracking URI than
the file's. Relative paths in a sweep's tasks start from the folder of its file.

    check_and_plan   check, plan      before anything is spent
    runs             run
    results          status, scores, report, submission, track
    machine          doctor, fetch

`given` is what a verb was asked about, `opened` the sweep, plan and store that came of it, once a
verb. `inputs` finds the data and models that a plan reads, `notes` says what a reader of its
results should know, `verb_values` are what the verbs return.
"""

from __future__ import annotations

from xstilts.api.check_and_plan import check, plan
from xstilts.api.given import AnySweep, folder_of, load
from xstilts.api.inputs import data_context, resolve, with_labels
from xstilts.api.machine import doctor, fetch
from xstilts.api.opened import Opened, open_sweep
from xstilts.api.results import report, scores, status, submission, track
from xstilts.api.runs import run

__all__ = [
    "AnySweep",
    "Opened",
    "check",
    "data_context",
    "doctor",
    "fetch",
    "folder_of",
    "load",
    "open_sweep",
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

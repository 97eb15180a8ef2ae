"""Whether MLflow's SQLite database already holds a sweep, without MLflow: its import takes seconds.

Only for what a finished sweep asks again and again. The answer is "yes" or "not known": where the
database is another than MLflow 3 writes, or anything differs, the tracker looks itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

from xstilts.store.sqlite_address import is_sqlite, sqlite_path
from xstilts.tracking.run_view import RunView
from xstilts.tracking.run_writer import FORMER

_EXPERIMENT = "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage = 'active'"
_EXPERIMENT_TAGS = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?"
_RUN_TAGS = """
SELECT runs.run_uuid, tags.key, tags.value FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE runs.experiment_id = ? AND runs.lifecycle_stage = 'active'
  AND tags.key IN ('xstilts.key', 'xstilts.sent')
"""


def held(uri: str, experiment: str, tags: Mapping[str, str], runs: Sequence[RunView]) -> str | None:
    """MLflow's id of the experiment if the database at `uri` holds it with these tags, and all
    `runs` as they are; else None.
    """
    if not is_sqlite(uri):
        return None
    place = quote(str(sqlite_path(uri)))
    try:
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
            return _held(database, experiment, tags, runs)
    except sqlite3.Error:  # no database yet, or none that this module knows
        return None


def _held(
    database: sqlite3.Connection, name: str, tags: Mapping[str, str], runs: Sequence[RunView]
) -> str | None:
    found = database.execute(_EXPERIMENT, (name,)).fetchone()
    if found is None:
        return None
    experiment = found[0]
    there = dict(database.execute(_EXPERIMENT_TAGS, (experiment,)))
    if not tags.items() <= there.items():
        return None
    by_run: dict[str, dict[str, str]] = {}
    for run, key, value in database.execute(_RUN_TAGS, (experiment,)):
        by_run.setdefault(run, {})[key] = value
    sent = {
        one["xstilts.key"]: one.get("xstilts.sent")
        for one in by_run.values()
        if "xstilts.key" in one and one.get("xstilts.sent") != FORMER
    }
    return str(experiment) if sent == {run.key: run.fingerprint for run in runs} else None

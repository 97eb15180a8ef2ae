"""What an MLflow server holds of a sweep, as far as is known.

It is read in full when a tracker connects, updated with everything that is sent, and read again
after an error. A SQLite database is asked for the few tags that are needed, a server for its runs,
page by page, with all that they hold. The tag `xstilts.key` says which phase a run belongs to,
`xstilts.phase` which phase a LoggedModel belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from sqlalchemy import Connection

_RUNS = """
SELECT runs.run_uuid, tags.key, tags.value FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE runs.experiment_id = ? AND runs.lifecycle_stage = 'active'
  AND tags.key IN ('xstilts.key', 'xstilts.sent', 'xstilts.slot')
"""
_MODELS = """
SELECT models.model_id, models.status, tags.tag_value
FROM logged_models AS models JOIN logged_model_tags AS tags ON tags.model_id = models.model_id
WHERE models.experiment_id = ? AND models.lifecycle_stage = 'active'
  AND tags.tag_key = 'xstilts.phase'
"""


@dataclass
class Mirrored:
    """Runs and LoggedModels of one experiment, by phase."""

    client: MlflowClient
    experiment: str
    runs: dict[str, str] = field(default_factory=dict)
    """Phase to run id."""
    sent: dict[str, str] = field(default_factory=dict)
    """Phase to the fingerprint of its run when it was last sent."""
    models: dict[str, str] = field(default_factory=dict)
    """Phase to LoggedModel id."""
    pending: set[str] = field(default_factory=set)
    """Phases whose LoggedModel was created and not yet finalized."""
    slots: dict[str, str] = field(default_factory=dict)
    """Phase to the slots of its run when it was last sent."""


def read_mirrored(client: MlflowClient, experiment: str) -> Mirrored:
    """All runs and LoggedModels of an experiment (MLflow's id)."""
    mirrored = Mirrored(client=client, experiment=experiment)
    store: Any = getattr(getattr(client, "_tracking_client", None), "store", None)
    if getattr(store, "db_type", "") == "sqlite":
        with store.engine.connect() as connection:
            _read_tables(mirrored, connection)
        return mirrored
    _read_runs(mirrored)
    _read_models(mirrored)
    return mirrored


def _read_tables(mirrored: Mirrored, connection: Connection) -> None:
    from mlflow.entities import LoggedModelStatus

    tags: dict[str, dict[str, str]] = {}
    for run, key, value in connection.exec_driver_sql(_RUNS, (int(mirrored.experiment),)):
        tags.setdefault(run, {})[key] = value
    for run, its in tags.items():
        if key := its.get("xstilts.key"):
            mirrored.runs[key] = run
            mirrored.sent[key] = its.get("xstilts.sent", "")
            mirrored.slots[key] = its.get("xstilts.slot", "")
    for model, status, key in connection.exec_driver_sql(_MODELS, (int(mirrored.experiment),)):
        mirrored.models[key] = model
        if status != LoggedModelStatus.READY.to_int():
            mirrored.pending.add(key)


def _read_runs(mirrored: Mirrored) -> None:
    token = None
    while True:
        page = mirrored.client.search_runs([mirrored.experiment], max_results=500, page_token=token)
        for run in page:
            if key := run.data.tags.get("xstilts.key"):
                mirrored.runs[key] = run.info.run_id
                mirrored.sent[key] = run.data.tags.get("xstilts.sent", "")
                mirrored.slots[key] = run.data.tags.get("xstilts.slot", "")
        if not (token := page.token):
            return


def _read_models(mirrored: Mirrored) -> None:
    token = None
    while True:
        models = mirrored.client.search_logged_models([mirrored.experiment], page_token=token)
        for model in models:
            if key := model.tags.get("xstilts.phase"):
                mirrored.models[key] = model.model_id
                if model.status != "READY":
                    mirrored.pending.add(key)
        if not (token := models.token):
            return

"""What an MLflow server holds of a sweep, as far as is known.

Read whole when a tracker connects, kept up to date by what is sent, and dropped after an error:
then it is read again. A run belongs to a phase by its tag `xstilts.key`, a LoggedModel by
`xstilts.phase`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


@dataclass
class Mirrored:
    """Runs and LoggedModels of one experiment, by phase."""

    client: MlflowClient
    experiment: str
    runs: dict[str, str] = field(default_factory=dict)
    """Phase to run id."""
    sent: dict[str, str] = field(default_factory=dict)
    """Phase to the fingerprint that its run was last sent with."""
    models: dict[str, str] = field(default_factory=dict)
    """Phase to LoggedModel id."""
    pending: set[str] = field(default_factory=set)
    """Phases whose LoggedModel was begun and not finished."""
    slots: dict[str, str] = field(default_factory=dict)
    """Phase to the slots that its run was last sent with."""


def read_mirrored(client: MlflowClient, experiment: str) -> Mirrored:
    """All runs and LoggedModels of an experiment (MLflow's id)."""
    found = Mirrored(client=client, experiment=experiment)
    _read_runs(found)
    _read_models(found)
    return found


def _read_runs(found: Mirrored) -> None:
    token = None
    while True:
        page = found.client.search_runs([found.experiment], max_results=500, page_token=token)
        for run in page:
            if key := run.data.tags.get("xstilts.key"):
                found.runs[key] = run.info.run_id
                found.sent[key] = run.data.tags.get("xstilts.sent", "")
                found.slots[key] = run.data.tags.get("xstilts.slot", "")
        if not (token := page.token):
            return


def _read_models(found: Mirrored) -> None:
    token = None
    while True:
        models = found.client.search_logged_models([found.experiment], page_token=token)
        for model in models:
            if key := model.tags.get("xstilts.phase"):
                found.models[key] = model.model_id
                if model.status != "READY":
                    found.pending.add(key)
        if not (token := models.token):
            return

"""What an MLflow server holds of a sweep, as far as is known.

It is read in full when a tracker connects, updated with everything that is sent, and read again
after an error. The tag `xstilts.key` says which phase a run belongs to, `xstilts.phase` which phase
a LoggedModel belongs to.
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
    _read_runs(mirrored)
    _read_models(mirrored)
    return mirrored


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

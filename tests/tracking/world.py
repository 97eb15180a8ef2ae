"""A finished sweep beside an MLflow database, for the tests of tracking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.phases import Store
from xstilts.tracking.server import connect
from xstilts.tracking.tracker import Tracker


@dataclass(frozen=True, kw_only=True)
class World:
    """A finished sweep and an MLflow database that is still empty."""

    store: Store
    folder: Path
    sweep: Sweep
    uri: str

    @property
    def entries(self) -> list[Entry]:
        return Ledger(self.folder).entries()

    def tracker(self, uri: str | None = None) -> Tracker:
        return Tracker(uri or self.uri, self.sweep, self.store, self.folder)

    def runs(self) -> list[Any]:
        """All runs, as MLflow has them."""
        client = connect(self.uri)
        experiment = client.get_experiment_by_name(f"{self.sweep.name}-v{self.sweep.version}")
        return list(client.search_runs([experiment.experiment_id], max_results=1000))

    def run(self, name: str) -> Any:
        """The run called `name`, complete; fails where there are none or several."""
        (found,) = [run for run in self.runs() if run.info.run_name == name]
        return connect(self.uri).get_run(found.info.run_id)


def everything(world: World) -> list[Any]:
    """All that MLflow holds, but for ids that it makes up."""
    client = connect(world.uri)
    rows = []
    for run in world.runs():
        history = [
            (m.key, m.value, m.step, m.timestamp)
            for key in run.data.metrics
            if not key.startswith("phases/")
            for m in client.get_metric_history(run.info.run_id, key)
        ]
        whole = client.get_run(run.info.run_id)
        links = (
            len(whole.inputs.model_inputs),
            len(whole.inputs.dataset_inputs),
            len(whole.outputs.model_outputs),
        )
        tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"}
        rows.append(
            (run.info.run_name, run.info.status, tags, run.data.params, sorted(history), links)
        )
    return sorted(rows, key=str)

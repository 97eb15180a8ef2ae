"""MLflow as a mirror of the records: whatever is missing there can be sent again, at any time.

One experiment a sweep, one run for the sweep, one nested run a phase (`view` says what they hold).
A `Tracker` compares what MLflow is to hold with what it was last sent and sends the difference. It
promises:

- *Idempotence.* A run is found by its phase id (tag `xstilts.key`), a number has a fixed time and
  step, and the tag `xstilts.sent`, the fingerprint of what a run holds, is written last. So a
  second sync sends nothing, a sync that was killed is completed by the next, and no run is ever
  made twice.
- *One writer.* The driver alone writes, from one thread; a fresh SQLite database is initialised
  under a file lock.
- *Nothing stops for it.* `TrackerThread` never blocks the run or raises into it: a server that is
  away is waited for, in the background, with one warning.

No fluent API, no global tracking URI, nothing uploaded: a LoggedModel's tag `xstilts.path` says
where the checkpoint lies.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import TrackingError
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, require
from xstilts.store.phases import Store
from xstilts.tracking.numbers import Point
from xstilts.tracking.pages import experiment_tags, page
from xstilts.tracking.server import Refused, connect, quiet, translated
from xstilts.tracking.thread import TrackerThread
from xstilts.tracking.view import SWEEP_KEY, RunView, View

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

__all__ = ["Tracker", "TrackerThread", "rebuild", "tracking_uri"]

METRICS_PER_BATCH = 800
"""MLflow takes 1000 metrics, and 1000 items in all, in one request."""
FORMER = "former"
"""Role of a run whose slot another phase has taken since."""


def tracking_uri(tracking: str | None, store: Store) -> str | None:
    """The URI that a sweep's `tracking` stands for: SQLite inside the store by default, None for
    `off`.
    """
    if tracking == "off":
        return None
    return tracking or f"sqlite:///{store.path / 'mlflow.db'}"


def rebuild(store: Store, sweep_folder: Path, uri: str) -> int:
    """Sends a sweep to MLflow from its ledger and records alone; returns the number of runs brought
    up to date.
    """
    sweep = Sweep.model_validate_json((sweep_folder / "sweep.json").read_bytes())
    tracker = Tracker(uri, sweep, store, sweep_folder)
    sent = tracker.sync(require(sweep_folder).entries(), everything=True)
    if tracker.problems:
        raise TrackingError(
            "\n".join(f"{phase}: {problem}" for phase, problem in tracker.problems.items())
        )
    return sent


@dataclass
class _Server:
    """What is known of the tracking server; dropped after an error and read again."""

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


class Tracker:
    """Mirrors one sweep. Not thread-safe; nothing is sent before `sync`."""

    def __init__(self, uri: str, sweep: Sweep, store: Store, ledger_folder: Path) -> None:
        self.uri, self.sweep, self.folder = uri, sweep, ledger_folder
        self.problems: dict[str, str] = {}
        """Phase to why it could not be mirrored, though the server is there."""
        self._view = View(sweep, store)
        self._server: _Server | None = None
        self._sent: dict[str, str] = {}

    @property
    def experiment(self) -> str:
        """Name of the sweep's MLflow experiment."""
        return f"{self.sweep.name}-v{self.sweep.version}"

    @property
    def page(self) -> str | None:
        """Path of the table of pairs on the server's web pages; None before the first sync."""
        return page(self._server.experiment) if self._server else None

    def sync(self, entries: Sequence[Entry], everything: bool = False) -> int:
        """Brings MLflow up to date; returns how many runs were sent. TrackingError where the server
        is away.

        With `everything` runs are sent even where their fingerprint says that they are complete.
        """
        runs = self._view.runs(entries)
        self.problems = dict(self._view.problems)
        try:
            with quiet():
                return self._sync(runs, everything)
        except TrackingError:
            self._server = None
            raise

    def _sync(self, runs: Sequence[RunView], everything: bool) -> int:
        with translated(self.uri):
            server = self._server = self._server or self._connect()
        self._sent = server.sent
        if everything:
            server.sent.clear()
        due = [run for run in runs if server.sent.get(run.key) != run.fingerprint]
        for run in due:
            self._attempt(server, run)
        with translated(self.uri):
            self._retire(server, runs)
        return len(due) - sum(run.key in self.problems for run in due)

    def missing(self, entries: Sequence[Entry]) -> int:
        """How many runs MLflow, as far as is known, does not hold as they are now."""
        return sum(self._sent.get(run.key) != run.fingerprint for run in self._view.runs(entries))

    # -- the experiment ------------------------------------------------------------------------

    def _connect(self) -> _Server:
        client = connect(self.uri)
        server = _Server(client=client, experiment=self._find_or_create_experiment(client))
        token = None
        while True:
            page = client.search_runs([server.experiment], max_results=500, page_token=token)
            for run in page:
                if key := run.data.tags.get("xstilts.key"):
                    server.runs[key] = run.info.run_id
                    server.sent[key] = run.data.tags.get("xstilts.sent", "")
                    server.slots[key] = run.data.tags.get("xstilts.slot", "")
            if not (token := page.token):
                break
        while True:
            models = client.search_logged_models([server.experiment], page_token=token)
            for model in models:
                if key := model.tags.get("xstilts.phase"):
                    server.models[key] = model.model_id
                    if model.status != "READY":
                        server.pending.add(key)
            if not (token := models.token):
                return server

    def _find_or_create_experiment(self, client: MlflowClient) -> str:
        tags = experiment_tags(self.sweep)
        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            where = str(self.folder / "artifacts") if self.uri.startswith("sqlite:") else None
            return str(
                client.create_experiment(self.experiment, artifact_location=where, tags=tags)
            )
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"{self.uri}: experiment {self.experiment} was deleted there; restore it "
                "(`mlflow experiments restore "
                f"--experiment-id {found.experiment_id}`), or raise the sweep's version"
            )
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)

    # -- one run -------------------------------------------------------------------------------

    def _attempt(self, server: _Server, run: RunView) -> None:
        """Sends one run; what the server refuses is this run's problem alone."""
        try:
            with translated(self.uri):
                self._send(server, run)
        except Refused as error:
            self.problems[run.key] = str(error)

    def _send(self, server: _Server, run: RunView) -> None:
        parent = {} if run.key == SWEEP_KEY else {"mlflow.parentRunId": server.runs[SWEEP_KEY]}
        tags = {**run.tags, **parent}
        there = self._find_or_create_run(server, run, tags)
        if run.checkpoint:
            self._send_model(server, run)
        self._send_inputs(server, run, there)
        if there.info.status != run.status or there.info.end_time != run.ended:
            if run.ended is None:
                server.client.update_run(there.info.run_id, status=run.status)
            else:
                server.client.set_terminated(there.info.run_id, run.status, run.ended)
        self._send_batches(server, run, there, _tags(run, there, tags))
        server.sent[run.key] = run.fingerprint
        server.slots[run.key] = run.tags.get("xstilts.slot", "")

    def _find_or_create_run(self, server: _Server, run: RunView, tags: dict[str, str]) -> Run:
        """The phase's run; one that a user has deleted is made anew, as in a rebuild."""
        if run.key in server.runs:
            there = server.client.get_run(server.runs[run.key])
            if there.info.lifecycle_stage == "active":
                return there
        started = run.started or None
        there = server.client.create_run(
            server.experiment, start_time=started, tags=tags, run_name=run.name
        )
        server.runs[run.key] = there.info.run_id
        return there

    def _retire(self, server: _Server, runs: Sequence[RunView]) -> None:
        """Marks the runs of phases whose slots were taken by others since (a retry changed what was
        chosen).
        """
        from mlflow.entities import RunTag

        current = {
            slot for run in runs for slot in run.tags.get("xstilts.slot", "").split(", ") if slot
        }
        for phase in set(server.runs) - {run.key for run in runs}:
            if server.sent.get(phase) != FORMER and current.intersection(
                server.slots.get(phase, "").split(", ")
            ):
                tags = {"xstilts.role": FORMER, "xstilts.chosen": "", "xstilts.sent": FORMER}
                server.client.log_batch(
                    server.runs[phase], tags=[RunTag(k, v) for k, v in tags.items()]
                )
                server.sent[phase] = FORMER

    def _send_model(self, server: _Server, run: RunView) -> None:
        """The checkpoint as a LoggedModel of the same name."""
        if run.key not in server.models:
            origin = server.models.get(run.origin, "")
            model = server.client.create_logged_model(
                server.experiment,
                name=_model_name(run.name),
                source_run_id=server.runs[run.key],
                params=run.params,
                tags={
                    "xstilts.phase": run.key,
                    "xstilts.path": run.checkpoint,
                    "xstilts.kind": run.tags["xstilts.kind"],
                    "xstilts.parent": run.origin,
                    "xstilts.parent_model": origin,
                    "mlflow.note.content": run.tags.get("mlflow.note.content", ""),
                },
            )
            server.models[run.key] = model.model_id
            server.pending.add(run.key)
        if run.key in server.pending:
            server.client.finalize_logged_model(server.models[run.key], "READY")
            server.pending.discard(run.key)

    def _send_inputs(self, server: _Server, run: RunView, there: Run) -> None:
        """Datasets, the checkpoint it starts from, and the checkpoint it yields, as far as they are
        not there.
        """
        from mlflow.entities import (
            Dataset,
            DatasetInput,
            InputTag,
            LoggedModelInput,
            LoggedModelOutput,
        )

        inputs = {i.model_id for i in (there.inputs.model_inputs if there.inputs else None) or ()}
        outputs = {
            o.model_id for o in (there.outputs.model_outputs if there.outputs else None) or ()
        }
        known = {
            (i.dataset.name, i.dataset.digest)
            for i in (there.inputs.dataset_inputs if there.inputs else ())
        }
        origin, own = server.models.get(run.origin), server.models.get(run.key)
        models = [LoggedModelInput(origin)] if origin and origin not in inputs else None
        datasets = [
            DatasetInput(
                Dataset(name=d.name, digest=d.digest, source_type=d.source_type, source=d.source),
                [InputTag("mlflow.data.context", d.use)],
            )
            for d in run.data
            if (d.name, d.digest) not in known
        ]
        if datasets or models:
            server.client.log_inputs(there.info.run_id, datasets or None, models)
        if own and own not in outputs:
            server.client.log_outputs(there.info.run_id, [LoggedModelOutput(own, run.step)])

    def _send_batches(
        self, server: _Server, run: RunView, there: Run, tags: dict[str, str]
    ) -> None:
        """Numbers, then params and tags, the fingerprint in the last request."""
        from mlflow.entities import Metric, Param, RunTag

        model = server.models.get(run.key) or server.models.get(run.origin)
        about = {"model_id": model} if model else {}
        if model and run.data:
            about |= {"dataset_name": run.data[0].name, "dataset_digest": run.data[0].digest}
        points = [*self._view.points(run), *_changed(run, there)]
        metrics = [
            Metric(p.key, p.value, p.time, p.step, **(about if p.scored else {})) for p in points
        ]
        while len(metrics) > METRICS_PER_BATCH:
            server.client.log_batch(there.info.run_id, metrics=metrics[:METRICS_PER_BATCH])
            metrics = metrics[METRICS_PER_BATCH:]
        params = [
            Param(key, value) for key, value in run.params.items() if key not in there.data.params
        ]
        server.client.log_batch(
            there.info.run_id,
            metrics=metrics,
            params=params,
            tags=[RunTag(k, v) for k, v in tags.items()],
        )


def _tags(run: RunView, there: Run, tags: dict[str, str]) -> dict[str, str]:
    """What of a run's tags is to be sent, the fingerprint last; a tag that it has lost becomes
    empty.
    """
    wanted = {**tags, "mlflow.runName": run.name, "xstilts.sent": run.fingerprint}
    lost = {key: "" for key in there.data.tags if key.startswith("xstilts.") and key not in wanted}
    return {
        key: value for key, value in {**lost, **wanted}.items() if there.data.tags.get(key) != value
    }


def _changed(run: RunView, there: Run) -> Iterator[Point]:
    """Numbers that may change, where they have; the first has the run's own time, a later one comes
    after it.
    """
    for key, value in run.latest.items():
        old = there.data.metrics.get(key)
        if old is None or old != value:
            now = round(time.time() * 1000)
            yield Point(key=key, value=value, time=now if old is not None else run.ended or now)


def _model_name(name: str) -> str:
    """A name for a LoggedModel, which may not hold `/ : . % " '`."""
    return "".join("-" if c in "/:.%\"'" else c for c in name)

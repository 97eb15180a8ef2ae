"""Runs that are new to MLflow's SQLite database, written as rows.

MLflow's client makes a run in seven calls. Each looks up what is there, and each number becomes two
or three objects on its way: 24 ms a run, most of it for looking up nothing. Of a run that was never
sent all rows are known beforehand, so they are inserted here, through MLflow's own tables
(`dbmodels.models`), inside the transaction of `together`: 5 ms.

What comes out is what the client's calls make, row for row; a test compares all tables. A run that
is not `ordinary` (a value that MLflow would shorten, change or refuse) goes through the client, and
so does every run where the tables are not those that this module knows.
"""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from xstilts.tracking.mirrored import Mirrored
from xstilts.tracking.numbers import DataView, Point
from xstilts.tracking.run_view import RunView
from xstilts.tracking.run_writer import model_name, model_tags, nested

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NAME = re.compile(r"\w[\w\-:]*([./ ][\w\-:]+)*", re.ASCII)
"""Names that MLflow takes as they are; it takes some more."""
_KEY, _PARAM, _TAG, _DATASET, _DIGEST, _SOURCE = 250, 6000, 5000, 500, 36, 60_000
"""Characters that MLflow keeps of a name, of the value of a param and of a tag, of a dataset's
name, digest and source.
"""
_TABLES = {
    "runs": "artifact_uri deleted_time end_time entry_point_name experiment_id lifecycle_stage name"
    " run_uuid source_name source_type source_version start_time status user_id",
    "tags": "key run_uuid value",
    "params": "key run_uuid value",
    "metrics": "is_nan key run_uuid step timestamp value",
    "latest_metrics": "is_nan key run_uuid step timestamp value",
    "datasets": "dataset_profile dataset_schema dataset_source dataset_source_type dataset_uuid"
    " digest experiment_id name",
    "inputs": "destination_id destination_type input_uuid source_id source_type step",
    "input_tags": "input_uuid name value",
    "logged_models": "artifact_location creation_timestamp_ms experiment_id"
    " last_updated_timestamp_ms lifecycle_stage model_id model_type name source_run_id status"
    " status_message",
    "logged_model_params": "experiment_id model_id param_key param_value",
    "logged_model_tags": "experiment_id model_id tag_key tag_value",
    "logged_model_metrics": "dataset_digest dataset_name dataset_uuid experiment_id metric_name"
    " metric_step metric_timestamp_ms metric_value model_id run_id",
}
"""The tables that are written, parents first, with their columns as of MLflow 3.17."""

Row = dict[str, Any]


def new_runs(connection: Connection | None, server: Mirrored) -> NewRuns | None:
    """A writer of new runs; None where there is no transaction of SQLite, or its tables are not as
    this module knows them.
    """
    if connection is None:
        return None
    from mlflow.store.db.base_sql_model import Base

    tables = Base.metadata.tables
    for name, columns in _TABLES.items():
        if name not in tables or sorted(tables[name].columns.keys()) != columns.split():
            return None
    return NewRuns(connection, server)


@dataclass
class _Rows:
    """The rows of one run, by table."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _TABLES})

    def add(self, table: str, rows: Iterable[Row]) -> None:
        self.rows[table].extend(rows)


class NewRuns:
    """Writes new runs inside one transaction."""

    def __init__(self, connection: Connection, server: Mirrored) -> None:
        from mlflow.store.db.base_sql_model import Base

        self._connection, self._server = connection, server
        self._insert = {name: Base.metadata.tables[name].insert() for name in _TABLES}
        experiment = server.client.get_experiment(server.experiment)
        self._place = str(experiment.artifact_location)
        self._experiment = int(server.experiment)
        self._datasets: dict[tuple[str, str], str] = {}

    def _known_dataset(self, one: DataView) -> str | None:
        """MLflow's id of a dataset of the experiment. Asked for as each is needed, since the client
        adds datasets in the same transaction, for runs that were sent before their data were known.
        """
        if (one.name, one.digest) not in self._datasets:
            found = self._connection.exec_driver_sql(
                "SELECT dataset_uuid FROM datasets"
                " WHERE experiment_id = ? AND name = ? AND digest = ?",
                (self._experiment, one.name, one.digest),
            ).scalar()
            if found is None:
                return None
            self._datasets[one.name, one.digest] = str(found)
        return self._datasets[one.name, one.digest]

    def write(self, run: RunView, points: Iterable[Point]) -> bool:
        """Writes a run that the server does not have; False, with nothing written, where it has it
        or the client must write it.
        """
        if run.key in self._server.runs:
            return False
        now = round(time.time() * 1000)
        latest = (Point(key=k, value=v, time=run.ended or now) for k, v in run.latest.items())
        numbers = [*points, *latest]
        tags = {
            **run.tags,
            **nested(self._server, run),
            "mlflow.runName": run.name,
            "xstilts.sent": run.fingerprint,
        }
        if not ordinary(run, tags, numbers):
            return False
        self._write(run, tags, numbers, now)
        return True

    def _write(self, run: RunView, tags: dict[str, str], numbers: list[Point], now: int) -> None:
        server, rows = self._server, _Rows()
        run_id = uuid.uuid4().hex
        rows.add("runs", [self._run(run, run_id, now)])
        for table, values in (("tags", tags), ("params", run.params)):
            rows.add(table, ({"run_uuid": run_id, "key": k, "value": v} for k, v in values.items()))
        server.runs[run.key] = run_id
        if run.checkpoint:
            server.models.setdefault(run.key, f"m-{uuid.uuid4().hex}")
            self._add_model(rows, run, server.models[run.key], now)
        self._add_inputs(rows, run, run_id)
        rows.add("metrics", _metrics(run_id, numbers))
        rows.add("latest_metrics", _latest(run_id, numbers))
        rows.add("logged_model_metrics", self._model_metrics(run, run_id, numbers))
        for table, some in rows.rows.items():
            if some:
                self._connection.execute(self._insert[table], some)
        server.sent[run.key] = run.fingerprint
        server.slots[run.key] = run.tags.get("xstilts.slot", "")

    def _run(self, run: RunView, run_id: str, now: int) -> Row:
        from mlflow.utils.uri import append_to_uri_path

        return {
            "run_uuid": run_id,
            "name": run.name,
            "artifact_uri": append_to_uri_path(self._place, run_id, "artifacts"),
            "experiment_id": self._experiment,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "user_id": "unknown",
            "status": run.status,
            "start_time": run.started or now,
            "end_time": run.ended,
            "lifecycle_stage": "active",
        }

    def _add_model(self, rows: _Rows, run: RunView, model: str, now: int) -> None:
        """The checkpoint as a LoggedModel, READY."""
        from mlflow.entities import LoggedModelStatus
        from mlflow.utils.uri import append_to_uri_path

        own = {"model_id": model, "experiment_id": self._experiment}
        about = {
            **own,
            "name": model_name(run.name),
            "artifact_location": append_to_uri_path(self._place, "models", model, "artifacts"),
            "creation_timestamp_ms": now,
            "last_updated_timestamp_ms": now,
            "status": LoggedModelStatus.READY.to_int(),
            "lifecycle_stage": "active",
            "source_run_id": self._server.runs[run.key],
        }
        params, tags = run.params.items(), model_tags(self._server, run).items()
        rows.add("logged_models", [about])
        rows.add(
            "logged_model_params", ({**own, "param_key": k, "param_value": v} for k, v in params)
        )
        rows.add("logged_model_tags", ({**own, "tag_key": k, "tag_value": v} for k, v in tags))

    def _add_inputs(self, rows: _Rows, run: RunView, run_id: str) -> None:
        """Datasets, the checkpoint that the run starts from, and the one that it trained."""
        for one in {(data.name, data.digest): data for data in reversed(run.data)}.values():
            known = self._known_dataset(one)
            if known is None:
                known = self._datasets[one.name, one.digest] = uuid.uuid4().hex
                dataset = {"dataset_uuid": known, "experiment_id": self._experiment}
                dataset |= {"name": one.name, "digest": one.digest}
                dataset |= {"dataset_source_type": one.source_type, "dataset_source": one.source}
                rows.add("datasets", [dataset])
            read = _input("DATASET", known, "RUN", run_id)
            rows.add("inputs", [read])
            use = {"name": "mlflow.data.context", "value": one.use}
            rows.add("input_tags", [{"input_uuid": read["input_uuid"], **use}])
        origin, own = self._server.models.get(run.origin), self._server.models.get(run.key)
        if origin:
            rows.add("inputs", [_input("RUN_INPUT", run_id, "MODEL_INPUT", origin)])
        if own:
            rows.add("inputs", [_input("RUN_OUTPUT", run_id, "MODEL_OUTPUT", own, run.step)])

    def _model_metrics(self, run: RunView, run_id: str, numbers: Sequence[Point]) -> Iterator[Row]:
        """The numbers that describe a checkpoint."""
        model = self._server.models.get(run.key) or self._server.models.get(run.origin)
        if not model:
            return
        name, digest = (run.data[0].name, run.data[0].digest) if run.data else (None, None)
        for point in numbers:
            if point.scored:
                yield {
                    "model_id": model,
                    "metric_name": point.key,
                    "metric_timestamp_ms": point.time,
                    "metric_step": point.step,
                    "metric_value": point.value,
                    "experiment_id": self._experiment,
                    "run_id": run_id,
                    "dataset_name": name,
                    "dataset_digest": digest,
                }


def _input(kind: str, source: str, end: str, destination: str, step: int = 0) -> Row:
    return {
        "input_uuid": uuid.uuid4().hex,
        "source_type": kind,
        "source_id": source,
        "destination_type": end,
        "destination_id": destination,
        "step": step,
    }


def _metric(run_id: str, point: Point) -> Row:
    return {
        "run_uuid": run_id,
        "key": point.key,
        "value": point.value,
        "timestamp": point.time,
        "step": point.step,
        "is_nan": False,
    }


def _metrics(run_id: str, numbers: Iterable[Point]) -> Iterator[Row]:
    """Each number once."""
    each = {(one.key, one.value, one.time, one.step): one for one in numbers}
    return (_metric(run_id, one) for one in each.values())


def _latest(run_id: str, numbers: Iterable[Point]) -> Iterator[Row]:
    """Of each name what MLflow calls its latest: that of the last step, then time, then value."""
    latest: dict[str, Point] = {}
    for one in numbers:
        there = latest.get(one.key)
        if there is None or (one.step, one.time, one.value) > (there.step, there.time, there.value):
            latest[one.key] = one
    return (_metric(run_id, one) for one in latest.values())


def ordinary(run: RunView, tags: Mapping[str, str], numbers: Sequence[Point]) -> bool:
    """Whether MLflow's client would write all of a run as it is given, and refuse nothing."""
    scored = [(one.key, one.time, one.step) for one in numbers if one.scored]
    return (
        len({*scored}) == len(scored)
        and all(_taken(name) for name in (*tags, *run.params))
        and all(_taken(key) for key in {one.key for one in numbers})
        and all(math.isfinite(one.value) and one.time >= 0 for one in numbers)
        and all(len(value) <= _TAG for value in tags.values())
        and all(len(value) <= _PARAM for value in run.params.values())
        and all(
            len(one.name) <= _DATASET and len(one.digest) <= _DIGEST and len(one.source) <= _SOURCE
            for one in run.data
        )
    )


@lru_cache(maxsize=4096)
def _taken(name: str) -> bool:
    return len(name) <= _KEY and _NAME.fullmatch(name) is not None

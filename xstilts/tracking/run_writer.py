"""Brings one run of MLflow up to date with its phase: the run, its model, data and numbers.

Each step looks at what is there and sends what is missing, so a run that was sent in part is
completed by the next attempt. Numbers have a fixed time and step. The tag `xstilts.sent`, the
fingerprint of everything the run holds, is sent last: only then does the run count as sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from xstilts.tracking.mirrored import Mirrored
from xstilts.tracking.numbers import Point
from xstilts.tracking.run_view import SWEEP_KEY, RunView

if TYPE_CHECKING:
    from mlflow.entities import Run

METRICS_PER_BATCH = 800
"""MLflow takes 1000 metrics, and 1000 items in all, in one request."""
FORMER = "former"
"""Role of a run whose slot now belongs to another phase."""


def send_run(server: Mirrored, run: RunView, points: Iterable[Point]) -> None:
    """Brings one run up to date; `points` are its numbers that never change. Raises MLflow's own
    error for what the server refuses.
    """
    tags = {**run.tags, **nested(server, run)}
    there = _find_or_create_run(server, run, tags)
    if run.checkpoint:
        _send_model(server, run)
    _send_inputs(server, run, there)
    if there.info.status != run.status or there.info.end_time != run.ended:
        if run.ended is None:
            server.client.update_run(there.info.run_id, status=run.status)
        else:
            server.client.set_terminated(there.info.run_id, run.status, run.ended)
    _send_batches(server, run, there, points, _tags(run, there, tags))
    server.sent[run.key] = run.fingerprint
    server.slots[run.key] = run.tags.get("xstilts.slot", "")


def nested(server: Mirrored, run: RunView) -> dict[str, str]:
    """The tag that nests a run under that of its pair, and that under the sweep's."""
    return {} if run.key == SWEEP_KEY else {"mlflow.parentRunId": server.runs[run.parent]}


def _find_or_create_run(server: Mirrored, run: RunView, tags: dict[str, str]) -> Run:
    """The phase's run; if a user has deleted it, a new one."""
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


def _send_model(server: Mirrored, run: RunView) -> None:
    """The checkpoint as a LoggedModel with the run's name."""
    if run.key not in server.models:
        model = server.client.create_logged_model(
            server.experiment,
            name=model_name(run.name),
            source_run_id=server.runs[run.key],
            params=run.params,
            tags=model_tags(server, run),
        )
        server.models[run.key] = model.model_id
        server.pending.add(run.key)
    if run.key in server.pending:
        server.client.finalize_logged_model(server.models[run.key], "READY")
        server.pending.discard(run.key)


def model_tags(server: Mirrored, run: RunView) -> dict[str, str]:
    """The tags of a checkpoint's LoggedModel."""
    return {
        "xstilts.phase": run.key,
        "xstilts.path": run.checkpoint,
        "xstilts.kind": run.tags["xstilts.kind"],
        "xstilts.parent": run.origin,
        "xstilts.parent_model": server.models.get(run.origin, ""),
        "mlflow.note.content": run.tags.get("mlflow.note.content", ""),
    }


def _send_inputs(server: Mirrored, run: RunView, there: Run) -> None:
    """Datasets, the checkpoint it starts from and the one it trained, if they are missing."""
    from mlflow.entities import (
        Dataset,
        DatasetInput,
        InputTag,
        LoggedModelInput,
        LoggedModelOutput,
    )

    inputs = {i.model_id for i in (there.inputs.model_inputs if there.inputs else None) or ()}
    outputs = {o.model_id for o in (there.outputs.model_outputs if there.outputs else None) or ()}
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
    server: Mirrored, run: RunView, there: Run, points: Iterable[Point], tags: dict[str, str]
) -> None:
    """Numbers, then params and tags, the fingerprint in the last request."""
    from mlflow.entities import Metric, Param, RunTag

    model = server.models.get(run.key) or server.models.get(run.origin)
    about = {"model_id": model} if model else {}
    if model and run.data:
        about |= {"dataset_name": run.data[0].name, "dataset_digest": run.data[0].digest}
    metrics = [
        Metric(p.key, p.value, p.time, p.step, **(about if p.scored else {}))
        for p in (*points, *_changed(run, there))
    ]
    metrics.reverse()  # the newest first: MLflow writes each key's latest value once
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


def retire_runs(server: Mirrored, runs: Sequence[RunView]) -> None:
    """Marks runs of phases whose slots now belong to others (a retry changed the choice)."""
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


def _tags(run: RunView, there: Run, tags: dict[str, str]) -> dict[str, str]:
    """The tags to send: those that changed, with the fingerprint last; tags that the run no longer
    has become empty.
    """
    wanted = {**tags, "mlflow.runName": run.name, "xstilts.sent": run.fingerprint}
    lost = {key: "" for key in there.data.tags if key.startswith("xstilts.") and key not in wanted}
    return {
        key: value for key, value in {**lost, **wanted}.items() if there.data.tags.get(key) != value
    }


def _changed(run: RunView, there: Run) -> Iterator[Point]:
    """Numbers that may change and have changed. The first value has the run's own time, later ones
    the present time.
    """
    for key, value in run.latest.items():
        old = there.data.metrics.get(key)
        if old is None or old != value:
            now = round(time.time() * 1000)
            yield Point(key=key, value=value, time=now if old is not None else run.ended or now)


def model_name(name: str) -> str:
    """A name for a LoggedModel, which may not contain `/ : . % " '`."""
    return "".join("-" if c in "/:.%\"'" else c for c in name)

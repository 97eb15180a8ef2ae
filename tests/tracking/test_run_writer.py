"""One run of MLflow: what is missing is sent, the fingerprint last."""

from __future__ import annotations

from types import SimpleNamespace as Has
from typing import Any

import pytest

from xstilts.tracking import run_writer
from xstilts.tracking.mirrored import Mirrored
from xstilts.tracking.numbers import Point
from xstilts.tracking.run_view import SWEEP_KEY, RunView
from xstilts.tracking.run_writer import FORMER, retire_runs, send_run


class RecordingClient:
    """A server with at most one run, which remembers what it was sent."""

    def __init__(self, stage: str = "active") -> None:
        self.calls: list[str] = []
        self.batches: list[tuple[list[Any], list[Any], dict[str, str]]] = []
        self.stage = stage

    def _run(self, run_id: str, stage: str) -> Any:
        info = Has(run_id=run_id, lifecycle_stage=stage, status="RUNNING", end_time=None)
        data = Has(tags={"xstilts.old": "x"}, params={"kept": "1"}, metrics={})
        return Has(info=info, data=data, inputs=None, outputs=None)

    def get_run(self, run_id: str) -> Any:
        self.calls.append("get_run")
        return self._run(run_id, self.stage)

    def create_run(self, experiment: str, start_time: Any, tags: Any, run_name: str) -> Any:
        self.calls.append("create_run")
        return self._run("new", "active")

    def create_logged_model(self, experiment: str, **fields: Any) -> Any:
        self.calls.append(f"create_logged_model {fields['name']}")
        return Has(model_id="m1")

    def finalize_logged_model(self, model: str, status: str) -> None:
        self.calls.append(f"finalize {model} {status}")

    def log_outputs(self, run_id: str, models: list[Any]) -> None:
        self.calls.append("log_outputs")

    def set_terminated(self, run_id: str, status: str, ended: int) -> None:
        self.calls.append(f"set_terminated {status}")

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        self.calls.append("log_batch")
        self.batches.append((list(metrics), list(params), {tag.key: tag.value for tag in tags}))


def view(**changes: Any) -> RunView:
    """A finished training."""
    fields: dict[str, Any] = {
        "key": "abc",
        "name": "m/squad: 100%",
        "status": "FINISHED",
        "started": 1,
        "ended": 2,
        "tags": {"xstilts.key": "abc", "xstilts.kind": "target", "xstilts.slot": "s1"},
        "params": {"kept": "1", "lr": "2e-5"},
        "checkpoint": "/store/abc/model",
    }
    return RunView(**{**fields, **changes})


def server(client: Any) -> Mirrored:
    return Mirrored(client=client, experiment="7", runs={SWEEP_KEY: "whole", "abc": "r1"})


def test_send_run_of_a_new_phase_makes_all_of_it_and_sends_the_fingerprint_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_writer, "METRICS_PER_BATCH", 2)
    client = RecordingClient()
    there, run = server(client), view()
    del there.runs["abc"]
    send_run(there, run, [Point(key="loss", value=i, time=1, step=i) for i in range(3)])
    assert client.calls == [
        "create_run",
        "create_logged_model m-squad- 100-",
        "finalize m1 READY",
        "log_outputs",
        "set_terminated FINISHED",
        "log_batch",
        "log_batch",
    ]
    (first, _, no_tags), (rest, params, tags) = client.batches
    assert [metric.value for metric in (*first, *rest)] == [2, 1, 0] and no_tags == {}
    assert [param.key for param in params] == ["lr"]
    assert list(tags)[-1] == "xstilts.sent" and tags["xstilts.sent"] == run.fingerprint
    assert (tags["xstilts.old"], tags["mlflow.parentRunId"]) == ("", "whole")
    assert there.sent == {"abc": run.fingerprint} and there.slots == {"abc": "s1"}
    assert there.pending == set()


@pytest.mark.parametrize(("stage", "made"), [("active", False), ("deleted", True)])
def test_send_run_again_makes_no_second_run_unless_a_user_deleted_it(
    stage: str, made: bool
) -> None:
    client = RecordingClient(stage)
    there = server(client)
    send_run(there, view(checkpoint=""), ())
    assert ("create_run" in client.calls) is made
    assert there.runs["abc"] == ("new" if made else "r1")


def test_retire_runs_marks_a_phase_whose_slot_another_has_taken_once() -> None:
    client = RecordingClient()
    there = server(client)
    there.runs["old"], there.slots["old"] = "r0", "s1, s2"
    there.runs["other"], there.slots["other"] = "r9", "s9"
    for _ in range(2):
        retire_runs(there, [view(), view(key=SWEEP_KEY, tags={})])
    ((_, _, tags),) = client.batches
    assert tags == {"xstilts.role": FORMER, "xstilts.chosen": "", "xstilts.sent": FORMER}
    assert there.sent == {"old": FORMER}

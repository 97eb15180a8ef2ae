"""One run as MLflow is to show it: when it counts as changed."""

from __future__ import annotations

from dataclasses import replace

from xstilts.tracking.run_view import RunView

RUN = RunView(
    key="abc",
    name="skill→tags s1",
    status="RUNNING",
    started=1,
    ended=None,
    tags={"xstilts.kind": "target"},
    params={"lr": "2e-5"},
)


def test_fingerprint_is_the_same_for_equal_runs() -> None:
    assert replace(RUN).fingerprint == RUN.fingerprint


def test_fingerprint_changes_with_anything_that_is_shown() -> None:
    changed = [
        replace(RUN, status="FINISHED"),
        replace(RUN, ended=2),
        replace(RUN, tags={"xstilts.kind": "evaluate"}),
        replace(RUN, latest={"gain": 1.0}),
        replace(RUN, checkpoint="/store/abc"),
    ]
    assert len({RUN.fingerprint, *(run.fingerprint for run in changed)}) == len(changed) + 1

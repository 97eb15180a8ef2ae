"""A run that is shown: its progress, its summary, its exit code."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from xstilts import api
from xstilts.api.verb_values import RunResult
from xstilts.cli.running import run_shown


@pytest.mark.parametrize("code", [0, 1, 130])
def test_run_shows_progress_warnings_and_summary_and_ends_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    given: list[Any] = []

    def run(sweep: Any, *, watch: Any, warn: Any, **places: Any) -> RunResult:
        given.append((sweep, places))
        watch({"doing": "starting Ray"})
        warn("mind the gap")
        return RunResult(
            counts={"done": 2},
            failures=[],
            seconds=3.0,
            started=2,
            stopped="",
            exit_code=code,
            warnings=[],
            folder="/store/sweeps/demo-v1",
            pages="",
        )

    monkeypatch.setattr(api, "run", run)
    with pytest.raises(typer.Exit) as ended:
        run_shown("demo.yaml", store="/store", remake=["abc123"])
    assert ended.value.exit_code == code
    places = {"store": "/store", "mirror": None, "tracking": None}
    assert given == [("demo.yaml", {**places, "remake": ["abc123"]})]
    out = capsys.readouterr().out
    assert "[0 s] starting Ray" in out and "warning: mind the gap" in out
    assert "2 phases run in 3 s; kept in /store/sweeps/demo-v1" in out

"""Live progress: a table on a terminal, few plain lines elsewhere, a summary at every end."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from xstilts.cli.progress import Progress, Snapshot, counts_text, duration


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def snapshot(**counts: int) -> Snapshot:
    return {
        "counts": counts,
        "total": 10,
        "running": [{"name": "squad, seed 1", "step": 3, "steps": 9, "value": 41.25}],
        "best": {"base/squad": 41.25},
        "eta_seconds": 125.0,
    }


def started(terminal: bool = False) -> tuple[Progress, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return (
        Progress(console=Console(file=out, force_terminal=terminal, width=120), clock=clock),
        out,
        clock,
    )


def test_progress_without_terminal_is_silent_between_lines() -> None:
    progress, out, clock = started()
    with progress:
        for _ in range(100):
            progress.update(snapshot(done=1, running=1, waiting=8))
            clock.now += 0.25
        assert out.getvalue().count("\n") == 1
        clock.now += 30
        progress.update(snapshot(done=1, running=1, waiting=8))
        assert out.getvalue().count("\n") == 2
    assert "1 done, 1 running, 8 waiting of 10" in out.getvalue()
    assert "squad, seed 1 step 3/9" in out.getvalue()
    assert "about 2 min left" in out.getvalue()


def test_progress_shows_how_far_translations_are() -> None:
    for terminal in (False, True):
        out = io.StringIO()
        progress = Progress(
            console=Console(file=out, force_terminal=terminal, color_system=None, width=120)
        )
        state = {
            "language": "de",
            "done": 512,
            "of": 20_000,
            "a_second": 10.0,
            "seconds_left": 1948.8,
        }
        begun = {"language": "sw", "done": 0, "of": 7, "a_second": 0.0, "seconds_left": None}
        with progress:
            progress.update({**snapshot(running=1), "translating": [state, begun]})
        assert "translating into de: 512 of 20,000 sentences, at most 32 min left" in out.getvalue()
        assert "translating into sw: 0 of 7 sentences" in out.getvalue()


def test_progress_without_terminal_tells_of_finished_phases_but_not_too_often() -> None:
    progress, out, clock = started()
    with progress:
        for done in range(20):
            progress.update(snapshot(done=done))
            clock.now += 1
        assert out.getvalue().count("\n") == 4


def test_progress_without_terminal_writes_no_control_codes() -> None:
    progress, out, _ = started()
    with progress:
        progress.update(snapshot(done=1, failed=1))
        progress.warn("the tracking server is away")
    assert "\x1b" not in out.getvalue()
    assert "warning: the tracking server is away" in out.getvalue()


def test_progress_on_terminal_shows_phases_and_best_and_clears_them() -> None:
    progress, out, _ = started(terminal=True)
    with progress:
        progress.update(snapshot(done=1, running=1))
        assert progress._live is not None
        progress._live.refresh()
        shown = out.getvalue()
    assert "squad, seed 1" in shown
    assert "base/squad" in shown
    assert "3/9" in shown
    assert out.getvalue().rstrip().endswith("1 done, 1 running of 10")


def test_progress_says_how_many_phases_fit_where_not_so_many_run() -> None:
    progress, _, _ = started()
    progress.update({**snapshot(done=1, running=2), "slots": 6})
    assert "] 1 done, 2 running of 10 | 6 slots | " in progress.line() + " | "
    progress.update({**snapshot(done=1, running=2), "slots": 2})
    assert "slot" not in progress.line()
    progress.update({**snapshot(done=1, running=0), "slots": 1})
    assert "| 1 slot" in progress.line()


def test_progress_stopped_by_ctrl_c_says_how_to_carry_on() -> None:
    progress, out, clock = started(terminal=True)
    with pytest.raises(KeyboardInterrupt), progress:
        progress.update(snapshot(done=4))
        clock.now += 65
        raise KeyboardInterrupt
    assert "stopped after 65 s: 4 done of 10; the same command carries on" in out.getvalue()


def test_progress_without_any_snapshot_says_nothing() -> None:
    progress, out, _ = started()
    with progress:
        pass
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (-1, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7500, "2 h 05 min")],
)
def test_duration_is_short(seconds: Any, text: str) -> None:
    assert duration(seconds) == text


def test_counts_text_names_what_there_is_and_done_always() -> None:
    assert counts_text({}) == "0 done"
    assert counts_text({"failed": 2, "cached": 1, "waiting": 0}) == "0 done, 2 failed, 1 cached"


def test_progress_without_terminal_has_one_line_for_each_thing_done_before_there_are_phases() -> (
    None
):
    progress, out, clock = started()
    with progress:
        for doing in ("checking the data", "checking the data", "starting Ray", "starting Ray"):
            progress.update({"doing": doing})
            clock.now += 4
        progress.update(snapshot(running=1))
    assert out.getvalue().splitlines()[:3] == [
        "[0 s] checking the data",
        "[8 s] starting Ray",
        "[16 s] 0 done, 1 running of 10 | about 2 min left | at squad, seed 1 step 3/9",
    ]


def test_progress_that_ends_before_there_are_phases_has_no_summary() -> None:
    progress, out, _ = started()
    with progress:
        progress.update({"doing": "checking the data"})
    assert out.getvalue() == "[0 s] checking the data\n"


def test_progress_on_terminal_shows_what_is_done_and_its_time_goes_on() -> None:
    progress, out, clock = started(terminal=True)
    with progress:
        progress.update({"doing": "starting Ray"})
        clock.now += 7
        assert progress._live is not None
        progress._live.refresh()
        assert "7 s  starting Ray" in out.getvalue()


@pytest.mark.parametrize(
    ("phase", "line"),
    [
        ({"step": 0, "steps": 0}, "a (starting)"),
        ({"step": 0, "steps": 9, "doing": "loading the model"}, "a (loading the model)"),
        ({"step": 3, "steps": 9, "rate": "812 tokens/s"}, "a step 3/9, 812 tokens/s"),
        ({"step": 1, "steps": 4, "doing": "predicting sw"}, "a step 1/4, predicting sw"),
        ({"step": 3, "steps": 9}, "a step 3/9"),
    ],
)
def test_progress_says_what_a_phase_does_and_how_fast_it_is(
    phase: dict[str, Any], line: str
) -> None:
    for terminal in (False, True):
        progress, out, _ = started(terminal)
        with progress:
            progress.update({"counts": {"running": 1}, "running": [{"name": "a", **phase}]})
            if progress._live is not None:
                progress._live.refresh()
        said = phase.get("doing") or phase.get("rate") or "starting"
        if terminal:
            assert (said in out.getvalue()) == (said != "starting")
        else:
            assert f"at {line}\n" in out.getvalue()

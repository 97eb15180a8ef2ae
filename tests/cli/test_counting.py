"""How far a verb is: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from xstilts.cli import counting


def test_counting_without_a_terminal_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    with counting.counting("phases read", Console(file=out)) as tell:
        tell(1, 2000)
        assert out.getvalue() == ""
        monkeypatch.setattr(counting, "QUIET_SECONDS", 0.0)
        tell(1500, 2000)
    assert out.getvalue() == "1,500 of 2,000 phases read\n"


def test_counting_on_a_terminal_is_a_bar_that_goes_away() -> None:
    out = io.StringIO()
    with counting.counting("phases read", Console(file=out, force_terminal=True, width=80)) as tell:
        tell(5, 10)
    assert "5/10" in out.getvalue() and "phases read" in out.getvalue()
    assert "\x1b[2K" in out.getvalue()

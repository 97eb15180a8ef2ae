"""How a run ended, and a finished sweep that needs no engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.driver.test_board import board_of, drain
from tests.support.sweeps import small
from tests.support.worlds import environment
from xstilts.driver.ending import Outcome, outcome
from xstilts.store.ledger import State


def test_outcome_of_a_finished_sweep_has_no_reason_to_have_stopped(tmp_path: Path) -> None:
    board, store, plan = board_of(small(), tmp_path)
    drain(board, store)
    ended = outcome(board, seconds=1.5, started=3, stopped="budget")
    assert (ended.seconds, ended.started, ended.stopped, ended.exit_code) == (1.5, 3, "", 0)
    assert sum(ended.counts.values()) == len(plan.slots) and "waiting" not in ended.counts


def test_outcome_gives_back_what_still_runs(tmp_path: Path) -> None:
    board, _, _ = board_of(small(), tmp_path)
    first = board.next()
    assert first is not None
    ended = outcome(board, started=1)
    assert (ended.stopped, ended.exit_code) == ("interrupted", 130)
    entry = board.ledger.get(first.slot)
    assert entry is not None and entry.state is State.WAITING and board.running == []
    assert outcome(board_of(small(), tmp_path)[0], stopped="budget").stopped == "budget"


@pytest.mark.parametrize(("stopped", "code"), [("", 1), ("budget", 1), ("interrupted", 130)])
def test_exit_code_tells_of_failures_unless_the_user_interrupted(stopped: str, code: int) -> None:
    failed = Outcome({}, failures=[object()], seconds=0.0, started=0, stopped=stopped)  # type: ignore[list-item]
    assert failed.exit_code == code


def test_module_needs_neither_ray_nor_torch() -> None:
    program = (
        "import sys; import xstilts.driver.ending; "
        "print([m for m in ('ray', 'torch', 'mlflow', 'datasets') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert ran.stdout.strip() == "[]"

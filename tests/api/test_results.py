"""What became of a sweep, from its ledger and records."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.api.opened import Opened, open_sweep
from xstilts.driver.choosing import blank_entry
from xstilts.driver.session import driver, same_plan
from xstilts.store.ledger import Ledger, State
from xstilts.store.spent import write_spent


def test_status_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(xstilts.XstiltsError, match="nothing has been run yet"):
        xstilts.status(make_sweep(tmp_path))


@pytest.fixture
def begun(tmp_path: Path) -> Opened:
    """A sweep of which one slot has failed and another was cached; nothing was trained."""
    opened = open_sweep(make_sweep(tmp_path))
    same_plan(opened.folder, opened.sweep)
    first, second = opened.plan.slots[:2]
    ledger = Ledger(opened.folder)
    ledger.write(blank_entry(first), state=State.FAILED, error="out of memory\nat line 7")
    ledger.write(blank_entry(second), state=State.CACHED)
    ledger.write(blank_entry(first).model_copy(update={"slot": "of an older plan"}))
    return opened


def test_status_counts_the_slots_of_the_plan_and_names_failures(begun: Opened) -> None:
    found = xstilts.status(begun.folder)
    assert (found.sweep, found.total, found.driver) == ("tiny v1", len(begun.plan.slots), "")
    assert found.counts == {"failed": 1, "cached": 1, "waiting": len(begun.plan.slots) - 2}
    (failure,) = found.to_json()["failures"]
    assert failure["slot"] == begun.plan.slots[0].key and failure["error"] == "out of memory"


def test_status_names_the_driver_that_runs_the_sweep(begun: Opened) -> None:
    with driver(begun.store, begun.sweep):
        assert "is at work on it" in xstilts.status(begun.folder).driver
    assert xstilts.status(begun.folder).driver == ""


def test_status_says_what_was_spent_of_gpus_and_at_which_price(tmp_path: Path) -> None:
    budget = {"gpu_hours": 40, "price_per_gpu_hour": {"L4": 2.0}}
    file = make_sweep(tmp_path, resources={"gpus_per_worker": 1, "gpu": "L4"}, budget=budget)
    opened = open_sweep(file)
    same_plan(opened.folder, opened.sweep)
    Ledger(opened.folder).write(blank_entry(opened.plan.slots[0]))
    write_spent(opened.folder, {"L4": 1.5})
    spent = xstilts.status(file).to_json()["spent"]
    assert spent == {
        "gpu_hours": 1.5,
        "by_kind": {"L4": 1.5},
        "money": 3.0,
        "budget_gpu_hours": 40.0,
        "budget_money": None,
    }


def test_status_of_a_sweep_without_gpus_has_nothing_spent(begun: Opened) -> None:
    assert xstilts.status(begun.folder).to_json()["spent"] is None


def test_scores_before_any_evaluation_are_an_empty_table(begun: Opened) -> None:
    assert xstilts.scores(begun.folder).empty


def test_submission_of_an_unknown_system_is_refused(begun: Opened, tmp_path: Path) -> None:
    with pytest.raises(xstilts.InputError):
        xstilts.submission(begun.folder, tmp_path / "out", intermediate="nothing_such")


def test_track_of_a_sweep_without_tracking_brings_nothing_up_to_date(begun: Opened) -> None:
    assert xstilts.track(begun.folder).runs == 0

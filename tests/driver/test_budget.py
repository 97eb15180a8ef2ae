"""What a run may spend: limits, the meter over several runs, and which phases stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.driver.test_board import board_of, drain
from tests.support import builders
from tests.support.sweeps import small
from xstilts.driver.budget import KEEP_SECONDS, Meter, cost, spent_before
from xstilts.spec.sweep import Budget, Resources
from xstilts.store.phases import Store
from xstilts.store.spent import read_spent, write_spent

HOUR = 3600.0
ONE_GPU = Resources(gpus_per_worker=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def meter(clock: Clock, resources: Resources = ONE_GPU, **more: Any) -> Meter:
    own = {name: more.pop(name) for name in ("folder", "before") if name in more}
    return Meter(Budget.model_validate(more), resources, clock=clock, **own)


def test_meter_without_limits_never_stops() -> None:
    clock = Clock()
    found = meter(clock)
    found.begin("a")
    clock.now += 1000 * HOUR
    assert (found.reached(), found.stops) == ("", False)


def test_meter_counts_gpu_hours_of_phases_that_run_and_that_have_ended() -> None:
    clock = Clock()
    found = meter(clock, gpu_hours=3)
    found.begin("a")
    clock.now += HOUR
    found.begin("b")
    clock.now += 0.5 * HOUR
    assert sum(found.hours().values()) == 2.0
    found.end("a")
    found.end("a")  # again: nothing
    clock.now += 0.5 * HOUR
    assert sum(found.hours().values()) == 2.5
    assert found.reached() == ""
    clock.now += 0.6 * HOUR
    assert found.reached() == "budget of 3 GPU hours, 3.1 used"
    assert found.running == ["b"]
    assert found.elapsed("b") == pytest.approx(1.6 * HOUR)
    assert found.elapsed("c") == 0.0


@pytest.mark.parametrize(
    ("resources", "an_hour"),
    [
        (Resources(gpus_per_worker=0.5), 0.5),
        (Resources(gpus_per_worker=1, workers=4), 4.0),
        (Resources(), 0.0),
    ],
)
def test_meter_counts_the_gpus_that_a_phase_holds(resources: Resources, an_hour: float) -> None:
    clock = Clock()
    found = meter(clock, resources)
    found.begin("a")
    clock.now += HOUR
    assert sum(found.hours().values()) == an_hour


def test_meter_goes_on_from_earlier_runs(tmp_path: Path) -> None:
    clock = Clock()
    found = meter(clock, gpu_hours=3, before={"L4": 2.5}, folder=tmp_path)
    found.begin("a", "L4")
    clock.now += 0.5 * HOUR
    assert found.reached() == "budget of 3 GPU hours, 3.0 used"
    found.end("a")
    found.keep()
    assert read_spent(tmp_path) == {"L4": 3.0}
    again = meter(clock, gpu_hours=3, before=read_spent(tmp_path))
    assert again.reached() == "budget of 3 GPU hours, 3.0 used"
    assert meter(clock, gpu_hours=4, before=read_spent(tmp_path)).reached() == ""


def test_meter_notes_the_hours_from_time_to_time(tmp_path: Path) -> None:
    clock = Clock()
    found = meter(clock, folder=tmp_path)
    found.begin("a")
    found.keep()
    assert read_spent(tmp_path) is None
    clock.now += KEEP_SECONDS
    found.keep()
    assert read_spent(tmp_path) == {"": KEEP_SECONDS / HOUR}
    clock.now += 1
    found.keep(now=True)
    assert read_spent(tmp_path) == {"": (KEEP_SECONDS + 1) / HOUR}


def test_meter_on_cpus_writes_nothing(tmp_path: Path) -> None:
    found = meter(Clock(), Resources(), folder=tmp_path)
    found.begin("a")
    found.keep(now=True)
    assert list(tmp_path.iterdir()) == []


def test_meter_stops_at_money_by_the_kind_of_gpu() -> None:
    clock = Clock()
    found = meter(clock, money=7, price_per_gpu_hour={"a100": 3.0, "L4": 1.0})
    found.begin("a", "A100-80GB")
    found.begin("b", "L4")
    clock.now += 1.5 * HOUR
    assert found.reached() == ""
    clock.now += 0.25 * HOUR
    assert found.reached() == "budget of 7 in money, 7.00 used"


def test_meter_stops_at_hours_of_this_run_and_at_phases() -> None:
    clock = Clock()
    found = meter(clock, Resources(), hours=2, phases=5)
    found.started = 4
    assert found.reached() == ""
    found.started = 5
    assert found.reached() == "budget of 5 phases, 5 started"
    assert not found.stops  # what has begun ends
    clock.now += 2 * HOUR
    assert found.reached() == "budget of 2 hours, 2.0 used"
    assert found.stops


def test_phases_within_the_grace_end_and_longer_ones_stop() -> None:
    clock = Clock()
    found = meter(clock, hours=1, grace_minutes=10)
    assert not found.too_long("a", rest_seconds=HOUR)
    clock.now += HOUR
    assert found.too_long("a", rest_seconds=601)
    assert not found.too_long("a", rest_seconds=599)
    ends = meter(clock, hours=1, when_spent="finish")
    clock.now += HOUR
    assert ends.reached() and not ends.too_long("a", rest_seconds=HOUR)


def test_cost_is_unknown_where_a_kind_has_no_price() -> None:
    assert cost({"L4": 2.0, "": 1.0}, 0.5) == 1.5
    assert cost({"L4": 2.0}, {"L4": 0.5}) == 1.0
    assert cost({"L4": 2.0, "H100": 1.0}, {"L4": 0.5}) is None
    assert cost({"L4": 2.0}, None) is None
    assert cost({}, {"L4": 0.5}) == 0.0
    assert cost({"L4 or H100": 1.0, "L4": 1.0}, {"L4": 0.5, "H100": 4.0}) == 4.5
    assert cost({"L4 or H100": 1.0}, {"L4": 0.5}) is None


def test_meter_counts_the_kind_that_a_phase_was_found_to_hold() -> None:
    clock = Clock()
    found = meter(clock)
    found.begin("a", "L4 or H100")
    clock.now += HOUR
    found.found("a", "H100")
    found.found("gone", "H100")
    assert found.hours() == {"H100": 1.0}


def test_hours_of_earlier_runs_are_those_that_were_noted(tmp_path: Path) -> None:
    write_spent(tmp_path, {"L4": 3.0})
    assert spent_before(tmp_path, [], Store(tmp_path / "store"), ONE_GPU) == {"L4": 3.0}


def test_hours_whose_note_is_lost_are_those_of_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_gpu = replace(builders.provenance(1800.0), device="NVIDIA L4", workers=2)
    monkeypatch.setattr(builders, "provenance", lambda *seconds: on_gpu)
    board, store, _ = board_of(small(targets=("tags",)), tmp_path)
    ran = drain(board, store, most=3)
    folder = board.ledger.path.parent
    wanted = Resources(gpus_per_worker=0.5, workers=2, gpu="L4")
    found = spent_before(folder, board.ledger.entries(), store, wanted)
    assert found == {"L4": len(ran) * 0.5 * 2 * 0.5}
    assert spent_before(folder, board.ledger.entries(), store, Resources()) == {}

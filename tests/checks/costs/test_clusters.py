"""What a plan takes and costs on a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sweeps import paper_grid, small
from xstilts.checks.costs.clusters import Gpus, Simulated, gpus_of, on_cluster
from xstilts.checks.costs.estimates import phase_seconds
from xstilts.errors import InputError
from xstilts.planning import make_plan
from xstilts.spec.sweep import Resources, Sweep


def simulated(sweep: Sweep, text: str, prices: tuple[float, ...] = (), **more: Any) -> Simulated:
    return on_cluster(make_plan(sweep), gpus_of(text, prices), utilisation=0.3, **more)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("4xA100-80GB", {"A100-80GB": 4}),
        ("4 x a100, 2xL4", {"A100-80GB": 4, "L4": 2}),
        ("2x8xH100,L40S", {"H100": 16, "L40S": 1}),
        ("1xL4,2xL4", {"L4": 3}),
    ],
)
def test_nodes_are_gpus_by_kind_in_order(text: str, kinds: dict[str, int]) -> None:
    found = gpus_of(text)
    assert {one.kind: one.count for one in found} == kinds
    assert [one.kind for one in found] == list(kinds)


@pytest.mark.parametrize("text", ["", "4", "4xA100-80GB,", "0xL4", "4A100", "-1xL4"])
def test_nodes_in_another_form_say_how_they_are_written(text: str) -> None:
    with pytest.raises(InputError, match="must be like 4xA100-80GB"):
        gpus_of(text)


def test_nodes_of_an_unknown_kind_name_the_known_ones() -> None:
    with pytest.raises(InputError, match=r'GPU is "K80".*must be one of T4'):
        gpus_of("4xK80")


def test_prices_are_one_for_each_kind_or_one_for_all() -> None:
    assert [one.price for one in gpus_of("4xH100,2xL4", (3.0, 0.8))] == [3.0, 0.8]
    assert [one.price for one in gpus_of("4xH100,2xL4", (3.0,))] == [3.0, 3.0]
    assert [one.price for one in gpus_of("4xH100,2xL4")] == [None, None]
    with pytest.raises(InputError, match=r"3 prices for 2 kinds of GPU \(H100, L4\)"):
        gpus_of("4xH100,2xL4", (1.0, 2.0, 3.0))
    with pytest.raises(InputError, match="a price is 0; must be above 0"):
        gpus_of("4xH100", (0.0,))


def test_one_gpu_is_never_idle_and_costs_its_hours() -> None:
    plan = make_plan(paper_grid())
    found = simulated(paper_grid(), "1xA100-80GB", (2.0,)).asked.to_json()
    seconds = phase_seconds(plan, gpu="A100-80GB")
    hours = sum(map(seconds, plan.distinct().values())) / 3600
    assert found["hours"] == pytest.approx(hours, abs=0.001)
    assert found["idle"] == pytest.approx(0)
    assert found["money_rented"] == found["money_held"] == pytest.approx(2 * hours, abs=0.02)


def test_others_are_smaller_and_larger_clusters_in_order() -> None:
    found = simulated(paper_grid(), "4xH100,1xL4")
    sizes = [[one.count for one in other.gpus] for other in found.others]
    assert sizes == [[2, 1], [4, 1], [8, 2], [16, 4]]
    hours = [other.hours for other in found.others]
    assert hours == sorted(hours, reverse=True)
    assert found.others[1] is found.asked
    json.dumps(found.to_json())


def test_larger_clusters_are_more_idle_and_never_faster_than_the_longest_way() -> None:
    found = simulated(paper_grid(), "64xA100-80GB").to_json()
    assert found["others"][-1]["hours"] == pytest.approx(found["longest_way_hours"], abs=0.01)
    assert found["others"][0]["idle"] < found["others"][-1]["idle"]


def test_phases_that_share_a_gpu_get_their_share_of_it() -> None:
    half = paper_grid(resources=Resources(gpus_per_worker=0.5))
    shared, alone = simulated(half, "2xL4"), simulated(paper_grid(), "2xL4")
    assert shared.asked.schedule.places == {"L4": 4}
    assert shared.asked.held() == pytest.approx(alone.asked.held())
    assert "2 phases share a GPU; each is reckoned with its share" in shared.notes
    asked = simulated(paper_grid(), "2xL4", slots_per_gpu=3)
    assert asked.asked.schedule.places == {"L4": 6}


def test_workers_of_a_phase_hold_several_gpus_and_divide_the_work() -> None:
    four = paper_grid(resources=Resources(gpus_per_worker=1, workers=4))
    found, alone = simulated(four, "8xL4"), simulated(paper_grid(), "8xL4")
    assert found.asked.schedule.places == {"L4": 2}
    assert found.asked.held() == pytest.approx(alone.asked.held(), rel=0.01)
    assert len(found.others) == 4  # 4xL4 hold one phase
    with pytest.raises(InputError, match="one phase has 4 workers and needs as many GPUs"):
        simulated(four, "2xL4")


def test_slots_of_the_sweep_limit_the_schedule_and_are_told() -> None:
    found = simulated(paper_grid(resources=Resources(slots=2)), "4xH100,4xL4")
    assert found.asked.schedule.places == {"H100": 2}
    assert "resources.slots lets 2 phases run at once, though more would fit" in found.notes
    assert found.asked.idle == pytest.approx(0.75, abs=0.01)


def test_kinds_that_the_sweep_does_not_use_are_told() -> None:
    sweep = paper_grid(resources=Resources(gpus_per_worker=1, gpu="a100"))
    assert simulated(sweep, "1xA100-80GB").notes == ()
    (told,) = simulated(sweep, "1xA100-80GB,1xL4").notes
    assert told.startswith("resources.gpu has not L4")


def test_what_is_done_already_takes_no_time() -> None:
    plan = make_plan(small())
    done = frozenset(slot.identity for slot in plan.slots)
    found = simulated(small(), "2xL4", done=done).to_json()
    assert (found["hours"], found["idle"], found["phases"]) == (0.0, 0.0, 0)


def test_gpus_read_as_they_are_written() -> None:
    assert str(Gpus(kind="L4", count=2)) == "2xL4"

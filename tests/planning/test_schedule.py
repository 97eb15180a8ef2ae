"""The order of a plan's phases, and schedules simulated by it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.support.sweeps import paper_grid, small
from xstilts.planning import Plan, Slot, make_plan
from xstilts.planning.counts import phases
from xstilts.planning.schedule import Order, Places, Schedule, simulate, ways
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Chain, Search

SEEDS = ("t0", "s2", "s3")
SECONDS = {"pretrain": 1000.0, "intermediate": 100.0, "target": 10.0, "evaluate": 1.0}


def seconds(slot: Slot) -> float:
    return SECONDS[slot.kind] * (3 if slot.task == "bad" else 1)


def plan_of(**changes: Any) -> Plan:
    return make_plan(small(**{"targets": ("tags",), **changes}))


def ordered(plan: Plan) -> list[str]:
    order = Order(plan, seconds)
    return [slot.key.removeprefix("model/") for slot in sorted(plan.slots, key=order.rank)]


def run(plan: Plan, count: int, **more: Any) -> Schedule:
    return simulate(plan, [Places(kind="a", count=count, seconds=seconds)], **more)


def test_ways_add_up_along_the_longest_chain() -> None:
    found = ways(plan_of(), seconds)
    assert found["model/none>tags/eval/s1"] == 1
    assert found["model/none>tags/s2"] == 10 + 1  # seed 1 is the chosen trial itself
    assert found["model/none>tags/t0"] == 10 + 10 + 1
    assert found["model/good/s2"] == 100 + 10 + 1
    assert found["model/good/t0"] == 100 + 100 + 10 + 1
    assert found["model/bad/t0"] == 300 + 300 + 10 + 1


def test_ways_without_a_search_are_the_same_for_every_seed() -> None:
    found = ways(plan_of(intermediate=Settings(), target=Settings()), seconds)
    assert found["model/bad/t0"] == found["model/bad/s2"] == 300 + 10 + 1
    assert found["model/bad>tags/t0"] == found["model/bad>tags/s2"] == 10 + 1


def test_order_without_a_search_keeps_the_seeds_of_a_pair_together() -> None:
    order = ordered(plan_of(intermediate=Settings(), target=Settings(), seeds=(1, 2, 3)))
    pairs = [slot for slot in order if ">tags/" in slot and "/eval/" not in slot]
    assert pairs == [f"{one}>tags/{s}" for one in ("none", "good", "bad") for s in SEEDS]
    assert [slot for slot in order if ">" not in slot][:3] == [f"bad/{s}" for s in SEEDS]


@pytest.mark.parametrize("search", [Search(), Search(order="joint")])
def test_simulation_without_a_search_has_every_seed_at_work_at_once(search: Search) -> None:
    fixed = {"intermediate": Settings(), "target": Settings(), "search": search}
    schedule = run(plan_of(**fixed, seeds=(1, 2, 3)), 1000)
    assert schedule.seconds == schedule.longest_way == 300 + 10 + 1
    began = {one.slot.key: one.began for one in schedule.runs}
    assert {began[key] for key in began if ">tags/s" in key} <= {0, 100, 300}


def test_simulation_of_a_search_holds_the_other_seeds_until_it_has_chosen() -> None:
    schedule = run(plan_of(seeds=(1, 2)), 1000)
    assert schedule.seconds == 2 * 300 + 10 + 1
    began = {one.slot.key: one.began for one in schedule.runs}
    assert began["model/bad/s2"] == 300


def test_order_is_evaluations_then_long_ways_then_rounds() -> None:
    order = ordered(plan_of(seeds=(1,)))
    assert [slot for slot in order if "/eval/" in slot] == order[:3]
    rest = order[3:]
    assert rest[:4] == ["bad/t0", "bad/t1", "bad/t2", "good/t0"]
    trials = [slot for slot in rest if ">tags/t" in slot]
    assert trials == [f"{one}>tags/t{n}" for n in range(3) for one in ("none", "good", "bad")]


def test_order_of_a_chain_follows_its_stages() -> None:
    chain = Chain(chain=("good", "bad"))
    plan = plan_of(intermediates=("none", chain), search=Search(trials=1), seeds=(1,))
    trained = [slot for slot in ordered(plan) if "/eval/" not in slot]
    kinds = {slot.key.removeprefix("model/"): slot.task for slot in plan.slots}
    assert [kinds[slot] for slot in trained][:2] == ["good", "bad"]


def test_order_of_a_joint_search_goes_round_all_pairs_first() -> None:
    plan = plan_of(search=Search(trials=3, order="joint"))
    slots = {slot.key.removeprefix("model/"): slot for slot in plan.slots}
    rounds = [slots[key].trial for key in ordered(plan) if slots[key].trial is not None]
    assert rounds == sorted(rounds)
    assert {0, 1, 2} == set(rounds)


def test_order_learns_other_times() -> None:
    plan = plan_of(seeds=(1,))
    order = Order(plan, seconds)
    slots = {slot.key: slot for slot in plan.slots}
    good, bad = slots["model/good/t0"], slots["model/bad/t0"]
    assert order.rank(bad) < order.rank(good)
    order.learn(lambda slot: 1000.0 if slot.task == "good" else 1.0)
    assert order.rank(good) < order.rank(bad)


@pytest.mark.parametrize("count", [1, 3, 16])
def test_simulation_runs_each_phase_once_and_after_what_it_needs(count: int) -> None:
    plan = make_plan(paper_grid())
    schedule = run(plan, count)
    assert len(schedule.runs) == sum(phases(plan).values())
    assert schedule.unreachable == 0
    ended = {one.slot.identity: one.ended for one in schedule.runs}
    by_key = {slot.key: slot for slot in plan.slots}
    for one in schedule.runs:
        needed = getattr(one.slot.needs, "slot", "")
        if needed:
            assert ended[by_key[needed].identity] <= one.began


@pytest.mark.parametrize("count", [1, 3, 16])
def test_simulation_puts_one_phase_at_a_time_into_a_place(count: int) -> None:
    schedule = run(make_plan(paper_grid()), count)
    for place in range(count):
        own = sorted((r.began, r.ended) for r in schedule.runs if r.place == place)
        assert all(before[1] <= after[0] for before, after in pairwise(own))


def test_simulation_on_one_place_is_never_idle_and_on_many_is_the_longest_way() -> None:
    plan = make_plan(paper_grid())
    alone, wide = run(plan, 1), run(plan, 1000)
    assert alone.idle == 0
    assert alone.seconds == pytest.approx(alone.busy())
    assert wide.seconds == pytest.approx(wide.longest_way)
    assert run(plan, 4).seconds >= max(alone.seconds / 4, wide.longest_way)


def test_simulation_begins_the_long_intermediate_before_short_ones_and_the_baseline() -> None:
    schedule = run(plan_of(search=Search(trials=4)), 3)
    began = {one.slot.key.removeprefix("model/"): one.began for one in schedule.runs}
    assert [began[f"bad/t{n}"] for n in range(4)] == [0, 0, 0, 300]
    assert began["none>tags/t0"] >= began["good/t0"] >= 300


def test_simulation_leaves_out_what_is_done() -> None:
    plan = plan_of(seeds=(1,))
    done = frozenset(slot.identity for slot in plan.slots if slot.kind == "intermediate")
    schedule = run(plan, 2, done=done)
    assert not [one for one in schedule.runs if one.slot.kind == "intermediate"]
    assert schedule.unreachable == 0


def test_simulation_of_what_is_done_already_has_no_runs() -> None:
    plan = plan_of()
    schedule = run(plan, 2, done=frozenset(slot.identity for slot in plan.slots))
    assert (schedule.seconds, schedule.idle, list(schedule.runs)) == (0.0, 0.0, [])


def test_simulation_uses_the_preferred_kind_first_and_each_at_its_own_speed() -> None:
    fast = Places(kind="fast", count=1, seconds=seconds)
    slow = Places(kind="slow", count=1, seconds=lambda slot: 10 * seconds(slot))
    plan = plan_of(search=Search(trials=1), seeds=(1,))
    schedule = simulate(plan, [fast, slow])
    assert schedule.runs[0].kind == "fast"
    taken = {one.kind: one.ended - one.began for one in schedule.runs if one.slot.task == "good"}
    assert taken in ({"fast": 100.0}, {"slow": 1000.0})
    assert schedule.places == {"fast": 1, "slow": 1}
    assert schedule.busy("fast") + schedule.busy("slow") == schedule.busy()


def test_simulation_of_an_oracle_search_ends() -> None:
    plan = plan_of(search=Search(trials=2, selection="oracle"))
    assert run(plan, 2).unreachable == 0

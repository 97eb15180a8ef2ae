"""The plan: each distinct phase once, parents first, equal budgets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.sweeps import SPACE, paper_grid, small, task
from xstilts.planning import Plan, fewest_steps, ladder, largest, make_plan
from xstilts.planning.counts import phases, summary
from xstilts.planning.filling import Revisions, build
from xstilts.planning.needs import Chosen, Filled, first_slot
from xstilts.spec.hyperparameters import Choice, IntRange, LogRange, Settings
from xstilts.spec.stages import stage_names
from xstilts.spec.sweep import Chain, Mixture, Search


def test_plan_papers_grid_trains_ten_intermediates_not_sixty() -> None:
    counted = summary(make_plan(paper_grid()))
    assert counted["trainings"] == {"pretrain": 0, "intermediate": 10, "target": 66}
    assert counted["evaluations"] == 11 * 9
    assert counted["shared_savings"] == {"intermediate": 50, "target": 11}
    assert counted["exact"]


def test_plan_saved_counts_each_intermediates_own_trials() -> None:
    # Two targets. `good` has 3 trials and one further seed, `bad` is fixed by an override: 1 and 1.
    # Alone each target would bring all of them: 2 x (4 + 2) = 12 in the place of 6.
    fixed = Settings(lr=1e-5, steps=10)
    sweep = small(
        targets=("tags", "other"), tasks=(*small().tasks, task("other")), overrides={"bad": fixed}
    )
    assert phases(make_plan(sweep))["intermediate"] == 6
    assert summary(make_plan(sweep))["shared_savings"]["intermediate"] == 6


def test_plan_joint_order_saves_what_pairs_have_in_common() -> None:
    # A grid of 2 intermediate rates x 2 target rates, one pair's: 4 intermediate trainings of which
    # 2 differ, and 2 as the search for the retrieval target's; those are the same two. Each of 2
    # intermediates; one seed.
    space = Settings(lr=Choice(choice=(1e-5, 1e-4)), steps=10)
    sweep = small(
        seeds=(1,), intermediate=space, target=space, search=Search(sampler="grid", order="joint")
    )
    assert phases(make_plan(sweep))["intermediate"] == 2 * 2
    assert summary(make_plan(sweep))["shared_savings"]["intermediate"] == 2 * (4 + 2) - 2 * 2


def test_plan_same_training_as_intermediate_and_target_is_one_phase() -> None:
    same = Settings(lr=1e-5, steps=2000)
    counts = phases(make_plan(paper_grid(intermediate=same, target=same)))
    assert (
        counts["intermediate"] + counts["target"] == 76 - 1
    )  # none -> squad is the intermediate squad


def test_plan_identities_agree_with_phase_ids() -> None:
    plan = make_plan(paper_grid(seeds=(1, 2)))
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = first_slot(slot.needs)
        ids[slot.key] = build(plan, slot, {}, ids.get(needed, ""), Revisions()).id
    assert len(set(ids.values())) == summary(plan)["phases"]
    by_identity = {slot.identity: ids[slot.key] for slot in plan.slots}
    assert all(by_identity[slot.identity] == ids[slot.key] for slot in plan.slots)


def test_plan_every_slot_needs_only_earlier_slots() -> None:
    for sweep in (
        paper_grid(),
        small(),
        small(search=Search(order="joint")),
        small(search=Search(selection="oracle")),
    ):
        plan = make_plan(sweep)
        seen: set[str] = set()
        for slot in plan.slots:
            for needs in (slot.needs, *([Chosen(slot.like)] if slot.like else [])):
                if isinstance(needs, Chosen):
                    study = plan.studies[needs.study]
                    assert any(
                        other in seen
                        for other in (f"{study.key}/t0", f"{study.key}/t{study.trials - 1}")
                    )
                elif isinstance(needs, Filled):
                    assert needs.slot in seen
            seen.add(slot.key)


@pytest.mark.parametrize("order", ["staged", "joint"])
def test_plan_every_pair_gets_the_same_number_of_trials(order: str) -> None:
    plan = make_plan(small(search=Search(trials=3, order=order)))
    trials = Counter(s.study for s in plan.slots if s.kind == "target" and s.role == "trial")
    assert set(trials.values()) == {3}
    assert len(trials) == 3


def test_plan_grid_enumerates_every_point_once() -> None:
    space = Settings(lr=Choice(choice=(1e-5, 1e-4)), steps=Choice(choice=(10, 20)))
    plan = make_plan(small(intermediate=space, target=space, search=Search(sampler="grid")))
    study = plan.studies["model/good>tags"]
    assert len({tuple(sorted(point.items())) for point in study.grid}) == study.trials == 4


def test_plan_joint_order_takes_intermediate_values_from_a_shared_ladder() -> None:
    plan = make_plan(small(search=Search(order="joint", ladder=3)))
    space = plan.studies["model/good>tags"].space
    assert isinstance(space["intermediate.lr"], Choice)
    assert len(space["intermediate.lr"].choice) == 3
    assert space["lr"] == SPACE.lr


def test_ladder_of_each_space_keeps_both_ends() -> None:
    assert ladder(LogRange(log=(1e-5, 1e-3)), 3).choice == (1e-5, 1e-4, 1e-3)
    assert ladder(IntRange(int=(1, 9)), 3).choice == (1, 5, 9)
    assert ladder(Choice(choice=(7,)), 3).choice == (7,)


def test_settings_at_their_largest_and_fewest() -> None:
    searched = Settings(
        steps=IntRange(int=(10, 30)),
        batch_size=Choice(choice=(8, 32, 16)),
        lr=LogRange(log=(1e-5, 1)),
    )
    assert (largest(searched).steps, largest(searched).batch_size, fewest_steps(searched)) == (
        30,
        32,
        10,
    )
    assert (fewest_steps(Settings(steps=7)), fewest_steps(Settings())) == (7, 1000)


def test_plan_oracle_evaluates_every_trial() -> None:
    counted = Counter(
        s.role
        for s in make_plan(small(search=Search(selection="oracle", trials=3))).slots
        if s.kind == "evaluate"
    )
    assert counted["trial"] == 3 * 3


# -- chains

CHAIN = Chain(chain=("good", "bad"))
LONG = Chain(chain=("good", "bad", Mixture(mixture=("good", "bad"), name="both")), name="long")


def chained(**changes: Any) -> Plan:
    values = {"intermediates": ("none", "good", CHAIN, LONG), **changes}
    return make_plan(small(**values))


def test_chain_shares_its_first_stages_with_every_intermediate_that_begins_so() -> None:
    plan = chained()
    trained = [slot for slot in plan.slots if slot.kind == "intermediate"]
    assert len(trained) == 3 * (3 + 1)  # good, bad after it, both after that; 3 trials and a seed
    assert {slot.intermediates for slot in trained} == {
        ("good",),
        ("good", "bad"),
        ("good", "bad", "both"),
    }
    target = next(slot for slot in plan.slots if slot.key == "model/long>tags/t0")
    assert [stage.task for stage in target.lineage] == ["good", "bad", "both", "tags"]
    assert stage_names(target.lineage) == (
        "intermediate.1",
        "intermediate.2",
        "intermediate.3",
        "target",
    )


def test_chain_of_one_seed_starts_each_stage_from_the_one_before_with_that_seed() -> None:
    slots = {slot.key: slot for slot in chained().slots}
    assert slots["model/good-then-bad/t0"].needs == Chosen("model/good")
    assert slots["model/good-then-bad/s2"].needs == Filled("model/good/s2")
    assert slots["model/long>tags/s2"].needs == Filled("model/good-then-bad-then-both/s2")
    assert slots["model/long>find/eval/s1"].needs == Chosen("model/good-then-bad-then-both")


def test_chain_is_one_intermediate_in_the_names_of_its_pairs() -> None:
    plan = chained()
    pairs = {slot.intermediate for slot in plan.slots if slot.kind == "evaluate"}
    assert pairs == set(plan.sweep.labels) == {"none", "good", "good-then-bad", "long"}


def test_chain_in_the_joint_order_searches_every_stage_of_a_pair() -> None:
    plan = chained(search=Search(trials=2, order="joint", ladder=2))
    space = plan.studies["model/long>tags"].space
    assert {f"intermediate.{n}.lr" for n in (1, 2, 3)} | {"lr"} <= set(space)
    slots = {slot.key: slot for slot in plan.slots}
    first, second = (slots[f"model/long>tags/t1/intermediate.{n}"] for n in (1, 2))
    assert second.needs == Filled(first.key)
    assert (first.prefix, second.prefix) == ("intermediate.1.", "intermediate.2.")
    assert (first.study, first.trial) == ("model/long>tags", 1)


def test_chain_what_sharing_saves_counts_every_intermediate_that_begins_so() -> None:
    fixed = Settings(lr=1e-5)
    plan = chained(seeds=(1,), intermediate=fixed, target=fixed)
    counted = summary(plan)
    assert counted["trainings"]["intermediate"] == 3
    assert counted["shared_savings"]["intermediate"] == (1 + 2 + 3) - 3

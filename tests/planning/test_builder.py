"""The plan: each distinct phase once, parents first, equal budgets."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from tests.support.sweeps import SPACE, paper_grid, small
from xstilts.errors import InputError
from xstilts.planning import Plan, make_plan
from xstilts.planning.counts import summary
from xstilts.planning.needs import Chosen, Filled
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.stages import stage_names
from xstilts.spec.sweep import Chain, Mixture, Search


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


@pytest.mark.parametrize("order", ["staged", "joint"])
def test_plan_lets_no_seed_wait_for_another_where_nothing_is_searched(order: str) -> None:
    fixed = Settings(lr=1e-4)
    search = Search(order=order)
    plan = make_plan(small(intermediate=fixed, target=fixed, search=search))
    searched = make_plan(small(search=search))
    assert {slot.like for slot in plan.slots} == {""}
    assert {slot.like for slot in searched.slots} > {""}
    half = make_plan(small(intermediate=fixed))  # the target's search alone
    waiting = {slot.like for slot in half.slots} - {""}
    assert waiting == {f"model/{one}>tags" for one in ("none", "good", "bad")}


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


@pytest.mark.parametrize("order", ["staged", "joint"])
@pytest.mark.parametrize("selection", ["english", "oracle"])
@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_plan_with_too_many_slots_is_refused_by_a_count_that_is_never_too_low(
    monkeypatch: pytest.MonkeyPatch, order: str, selection: str, sampler: str
) -> None:
    search = Search(order=order, selection=selection, sampler=sampler, trials=7)
    chosen = Settings(lr=Choice(choice=(1e-5, 2e-5, 3e-5)), steps=Choice(choice=(1, 2)))
    for sweep in (
        paper_grid(search=search, intermediate=chosen, target=chosen, seeds=(1, 2, 3)),
        small(search=search, intermediate=chosen, target=chosen),
        small(search=search, intermediate=Settings(), target=chosen),
        small(search=search, intermediate=Settings(), target=Settings()),
        small(search=search.model_copy(update={"sampler": "tpe"})),
    ):
        slots = len(make_plan(sweep).slots)
        with monkeypatch.context() as few, pytest.raises(InputError) as caught:
            few.setattr("xstilts.planning.builder.MOST_SLOTS", 1)
            make_plan(sweep)
        (counted,) = re.findall(r"a plan of about ([\d,]+) phases", str(caught.value))
        assert slots <= int(counted.replace(",", "")) <= 3 * slots
        with monkeypatch.context() as few:
            few.setattr("xstilts.planning.builder.MOST_SLOTS", int(counted.replace(",", "")))
            assert len(make_plan(sweep).slots) == slots

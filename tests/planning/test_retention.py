"""Which checkpoints stay, from the plan and how its slots stand."""

from __future__ import annotations

import pytest

from tests.support.sweeps import small
from xstilts.planning import Plan, make_plan
from xstilts.planning.needs import Chosen
from xstilts.planning.retention import Checkpoints
from xstilts.spec.sweep import Retention, Search, Sweep


def plan_of(weights: str, **changes: object) -> Plan:
    return make_plan(_sweep(weights, **changes))


def _sweep(weights: str, **changes: object) -> Sweep:
    return small(retention=Retention.model_validate({"weights": weights}), **changes)


def keys(plan: Plan, **having: object) -> list[str]:
    """Slots with these values."""
    return [s.key for s in plan.slots if all(getattr(s, k) == v for k, v in having.items())]


def test_held_by_a_sweep_that_keeps_all_is_every_slot() -> None:
    plan = plan_of("all")
    every = {slot.key for slot in plan.slots}
    assert Checkpoints(plan).held(every, {}) == every


@pytest.mark.parametrize("weights", ["chosen", "none"])
def test_held_before_a_study_has_chosen_are_all_its_trials(weights: str) -> None:
    plan = plan_of(weights)
    study = next(slot.needs.study for slot in plan.slots if isinstance(slot.needs, Chosen))
    trials = [slot.key for slot in plan.slots if slot.study == study and slot.kind != "evaluate"]
    held = Checkpoints(plan).held(set(trials), {})
    assert {*trials} <= held
    assert len(trials) == 3


@pytest.mark.parametrize("weights", ["chosen", "none"])
def test_held_once_a_study_has_chosen_is_its_choice_alone(weights: str) -> None:
    plan = plan_of(weights)
    study = next(slot.needs.study for slot in plan.slots if isinstance(slot.needs, Chosen))
    trials = [slot.key for slot in plan.slots if slot.study == study and slot.kind != "evaluate"]
    held = Checkpoints(plan).held(set(trials), {study: trials[1]})
    assert trials[1] in held
    assert not held & {trials[0], trials[2]}


def test_held_at_the_end_with_chosen_is_what_final_scores_rest_on() -> None:
    plan = plan_of("chosen")
    every = {slot.key for slot in plan.slots}
    chosen = {study: f"{study}/t1" for study in plan.studies}
    held = Checkpoints(plan).held(every, chosen)
    finals = {*keys(plan, kind="target", role="final")}
    scored = {one.needs.slot for one in plan.slots if hasattr(one.needs, "slot")}
    assert finals & scored <= held
    assert all(chosen[study] in held for study in plan.studies if study.count("/") == 1)
    assert not any(key.endswith(("/t0", "/t2")) for key in held)


def test_held_at_the_end_with_none_is_nothing() -> None:
    plan = plan_of("none")
    chosen = {study: f"{study}/t1" for study in plan.studies}
    assert Checkpoints(plan).held({slot.key for slot in plan.slots}, chosen) == set()


def test_held_by_an_open_slot_is_what_it_needs_although_all_else_ended() -> None:
    plan = plan_of("none")
    chosen = {study: f"{study}/t1" for study in plan.studies}
    child = next(slot for slot in plan.slots if isinstance(slot.needs, Chosen))
    closed = {slot.key for slot in plan.slots} - {child.key}
    assert Checkpoints(plan).held(closed, chosen) == {chosen[child.needs.study]}


def test_held_in_a_joint_search_is_the_intermediate_of_each_open_trial() -> None:
    plan = plan_of("none", search=Search(trials=3, order="joint"))
    open_slot = next(s for s in plan.slots if s.kind == "target" and hasattr(s.needs, "slot"))
    closed = {slot.key for slot in plan.slots} - {open_slot.key}
    assert open_slot.needs.slot in Checkpoints(plan).held(closed, {})


def test_checkpoints_with_another_rule_than_the_sweeps_follow_it() -> None:
    plan = plan_of("all")
    chosen = {study: f"{study}/t1" for study in plan.studies}
    every = {slot.key for slot in plan.slots}
    assert Checkpoints(plan, Retention(weights="none")).held(every, chosen) == set()

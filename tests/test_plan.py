"""The plan: each distinct phase once, parents first, equal budgets."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sweeps_for_tests import SPACE, paper_grid, small
from xstilts.plan import BEST, ladder, make
from xstilts.specs import Revisions, build
from xstilts.sweep import Choice, IntRange, LogRange, Search, Settings


def test_plan_papers_grid_trains_ten_intermediates_not_sixty() -> None:
    summary = make(paper_grid()).summary()
    assert summary["trainings"] == {"pretrain": 0, "intermediate": 10, "target": 66}
    assert summary["evaluations"] == 11 * 9
    assert summary["shared_savings"] == {"intermediate": 50, "target": 11}
    assert summary["exact"]


def test_plan_same_training_as_intermediate_and_target_is_one_phase() -> None:
    same = Settings(lr=1e-5, steps=2000)
    counts = make(paper_grid(intermediate=same, target=same)).counts()
    assert counts["intermediate"] + counts["target"] == 76 - 1  # none -> squad is the intermediate squad


def test_plan_identities_agree_with_phase_ids() -> None:
    plan = make(paper_grid(seeds=(1, 2)))
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = slot.needs.removeprefix(BEST) + ("/t0" if slot.needs.startswith(BEST) else "")
        ids[slot.key] = build(plan, slot, {}, ids.get(needed, ""), Revisions()).id
    assert len(set(ids.values())) == plan.summary()["phases"]
    by_identity = {slot.identity: ids[slot.key] for slot in plan.slots}
    assert all(by_identity[slot.identity] == ids[slot.key] for slot in plan.slots)


def test_plan_every_slot_needs_only_earlier_slots() -> None:
    for sweep in (paper_grid(), small(), small(search=Search(order="joint")), small(search=Search(selection="oracle"))):
        plan = make(sweep)
        seen: set[str] = set()
        for slot in plan.slots:
            for needs in (slot.needs, f"{BEST}{slot.like}" if slot.like else ""):
                if needs.startswith(BEST):
                    study = plan.studies[needs.removeprefix(BEST)]
                    assert any(other in seen for other in (f"{study.key}/t0", f"{study.key}/t{study.trials - 1}"))
                elif needs:
                    assert needs in seen
            seen.add(slot.key)


@pytest.mark.parametrize("order", ["staged", "joint"])
def test_plan_every_pair_gets_the_same_number_of_trials(order: str) -> None:
    plan = make(small(search=Search(trials=3, order=order)))
    trials = Counter(s.study for s in plan.slots if s.kind == "target" and s.role == "trial")
    assert set(trials.values()) == {3}
    assert len(trials) == 3


def test_plan_grid_enumerates_every_point_once() -> None:
    space = Settings(lr=Choice(choice=(1e-5, 1e-4)), steps=Choice(choice=(10, 20)))
    plan = make(small(intermediate=space, target=space, search=Search(sampler="grid")))
    study = plan.studies["model/good>tags"]
    assert len({tuple(sorted(point.items())) for point in study.grid}) == study.trials == 4


def test_plan_joint_order_takes_intermediate_values_from_a_shared_ladder() -> None:
    plan = make(small(search=Search(order="joint", ladder=3)))
    space = plan.studies["model/good>tags"].space
    assert isinstance(space["intermediate.lr"], Choice)
    assert len(space["intermediate.lr"].choice) == 3
    assert space["lr"] == SPACE.lr


def test_ladder_of_each_space_keeps_both_ends() -> None:
    assert ladder(LogRange(log=(1e-5, 1e-3)), 3).choice == (1e-5, 1e-4, 1e-3)
    assert ladder(IntRange(int=(1, 9)), 3).choice == (1, 5, 9)
    assert ladder(Choice(choice=(7,)), 3).choice == (7,)


def test_plan_oracle_evaluates_every_trial() -> None:
    counted = Counter(
        s.role for s in make(small(search=Search(selection="oracle", trials=3))).slots if s.kind == "evaluate"
    )
    assert counted["trial"] == 3 * 3

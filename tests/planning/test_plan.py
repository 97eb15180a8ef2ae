"""Slots, studies and plans as values."""

from __future__ import annotations

import pytest

from tests.support.sweeps import SPACE, small, task
from xstilts.planning import Slot, Stage, Study, make_plan
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Pretraining


def slot(kind: str = "target", **fields: object) -> Slot:
    values = {
        "key": "k",
        "kind": kind,
        "model": "m",
        "intermediate": "good",
        "target": "tags",
        "lineage": (Stage("intermediate", "good"), Stage("target", "tags")),
        "seed": 1,
    }
    return Slot(**{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "label"),
    [
        (slot(), "good→tags seed 1"),
        (slot(trial=1), "good→tags trial 2"),
        (slot("evaluate"), "good→tags scores"),
        (slot("intermediate", target="", trial=0), "good trial 1"),
        (slot("pretrain", intermediate="", target=""), "m pretraining"),
    ],
)
def test_slot_has_a_label_for_readers(of: Slot, label: str) -> None:
    assert of.label == label


def test_slot_knows_its_task_its_targets_and_its_intermediates() -> None:
    shared = slot(target="xquad,mlqa")
    assert (shared.task, shared.targets) == ("tags", ("xquad", "mlqa"))
    assert slot("evaluate", target="mlqa").task == "mlqa"
    assert shared.intermediates == ("good",)


def test_study_point_is_that_of_the_grid_and_none_where_the_search_decides() -> None:
    grid = Study(
        key="s", model="m", intermediate="a", target="b", space={}, trials=2, grid=({"lr": 1},) * 2
    )
    searched = Study(
        key="s", model="m", intermediate="a", target="b", space={"lr": SPACE.lr}, trials=2
    )
    fixed = Study(key="s", model="m", intermediate="a", target="b", space={}, trials=1)
    assert grid.point(1) == {"lr": 1}
    assert searched.point(0) is searched.point(None) is None
    assert fixed.point(0) == fixed.point(None) == {}


def test_plan_distinct_slots_are_the_first_of_each_identity() -> None:
    fixed = Settings(lr=1e-4, steps=10)
    # the baseline's training on `tags` is the intermediate `tags` of the other pair
    plan = make_plan(
        small(
            intermediates=("none", "tags"),
            targets=("tags",),
            tasks=(task("tags"),),
            intermediate=fixed,
            target=fixed,
        )
    )
    distinct = plan.distinct()
    assert len(distinct) < len(plan.slots)
    keys = [one.key for one in plan.slots]
    for identity, first in distinct.items():
        same = [one.key for one in plan.slots if one.identity == identity]
        assert first.key == min(same, key=keys.index)


def test_plan_settings_of_a_slot_are_those_of_its_kind_and_task() -> None:
    start = Pretraining(
        name="zero", task="lines", config={}, tokenizer="generator", settings=Settings(steps=7)
    )
    plan = make_plan(
        small(
            models=(start,),
            tasks=(*small().tasks, task("lines", "masked_lm")),
            overrides={"bad": Settings(steps=3)},
        )
    )
    slots = {one.key: one for one in plan.slots}
    assert plan.settings(slots["zero/pretrain"]).steps == 7
    assert plan.settings(slots["zero/bad/t0"]).steps == 3
    assert plan.settings(slots["zero/good/t0"]) == SPACE
    assert plan.settings(slots["zero/bad>tags/t0"]) == SPACE

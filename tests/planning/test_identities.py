"""Slots that a plan takes for one phase, and slots that it must not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sweeps import paper_grid, small, task
from xstilts.planning import make_plan
from xstilts.planning.counts import summary
from xstilts.planning.filling import Revisions, build
from xstilts.planning.needs import first_slot
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Mixture, Rates
from xstilts.spec.task import Source, Task, training_payload
from xstilts.spec.transforms import Dictionary, Pseudo, Transform, Translate

ARMS = {
    "files": [task("one"), task("two")],
    "union": [task("union", parts=(task(a), task(b))) for a, b in (("p", "q"), ("p", "r"))],
    "model": [
        task("arm", transform=Transform(translate=Translate(model=m, languages=("de",))))
        for m in "ab"
    ],
    "dictionary": [
        task("arm", transform=Transform(dictionary=Dictionary(files=(f,), languages=("de",))))
        for f in "ab"
    ],
}


def _arms(kind: str) -> tuple[Task, Task]:
    """Two arms that are told apart by what a payload leaves to the revision of the data."""
    made = []
    for number, one in enumerate(ARMS[kind]):
        changes: dict[str, object] = {
            "name": f"arm{number}",
            "source": Source(files=("rows.jsonl",)),
        }
        if kind == "files":
            changes["source"] = Source(files=(f"{number}/rows.jsonl",))
        if kind == "union":
            parts = [
                p.model_copy(update={"source": Source(files=(f"{p.name}.jsonl",))})
                for p in one.parts
            ]
            changes |= {"source": Source(union=True), "parts": tuple(parts)}
        made.append(one.model_copy(update=changes))
    return made[0], made[1]


@pytest.mark.parametrize("kind", ARMS)
def test_plan_arms_on_other_files_or_models_are_other_phases(kind: str) -> None:
    arms = _arms(kind)
    assert training_payload(arms[0]) == training_payload(arms[1])
    twin = arms[0].model_copy(update={"name": "twin"})
    tasks = (*arms, twin, task("tags"))
    plan = make_plan(
        small(
            intermediates=("arm0", "arm1", "twin"),
            targets=("tags",),
            tasks=tasks,
            intermediate=Settings(),
        )
    )
    trained = {
        slot.task: slot.identity
        for slot in plan.slots
        if slot.kind == "intermediate" and slot.trial == 0
    }
    assert trained["arm0"] != trained["arm1"]
    assert trained["arm0"] == trained["twin"]


def test_plan_evaluations_on_other_files_are_other_phases() -> None:
    places = []
    for folder in "ab":
        find = task("find", "retrieval").model_copy(
            update={"source": Source(files=(f"{folder}/rows.jsonl",))}
        )
        plan = make_plan(small(targets=("find",), tasks=(task("good"), task("bad"), find)))
        places.append(
            {
                slot.identity
                for slot in plan.slots
                if slot.kind == "evaluate" and slot.intermediate == "none"
            }
        )
    assert places[0] != places[1]


def test_plan_mixtures_of_the_same_members_and_rates_are_one_phase_whatever_their_names() -> None:
    def mixed(name: str, **changes: Any) -> Mixture:
        return Mixture(
            **{
                "mixture": ("good", "bad"),
                "rates": Rates(fixed={"bad": 0.2}),
                "name": name,
                **changes,
            }
        )

    twins, others = (
        (mixed("a"), mixed("b")),
        (
            mixed("c", rates=Rates(fixed={"good": 0.2})),
            mixed("d", heads="shared"),
            mixed("e", mixture=("bad", "good")),
        ),
    )
    plan = make_plan(small(intermediates=("none", *twins, *others), intermediate=Settings()))
    trained = {
        slot.task: slot.identity
        for slot in plan.slots
        if slot.kind == "intermediate" and slot.trial == 0
    }
    assert trained["a"] == trained["b"]
    assert len({trained[name] for name in "acde"}) == 4


def test_plan_identities_agree_with_phase_ids_for_unions_transforms_and_mixtures() -> None:
    union = task("both", parts=(task("p"), task("q"))).model_copy(
        update={"source": Source(union=True)}
    )
    pseudo = task("invented", transform=Transform(pseudo=Pseudo()))
    tasks = (
        *(task(name) for name in ("good", "bad", "tags")),
        union,
        pseudo,
        task("lines", "masked_lm"),
    )
    mixtures = (
        Mixture(mixture=("good", "bad"), name="apart"),
        Mixture(mixture=("good", "bad"), name="together", heads="shared"),
        Mixture(
            mixture=("both", "lines"),
            name="kept",
            rates=Rates(cap=9, temperature=2, fixed={"lines": 0.2}),
        ),
        Mixture(mixture=("good", "bad"), name="twin"),
    )
    sweep = small(
        intermediates=("none", "both", "invented", "lines", *mixtures),
        targets=("tags", "good"),
        tasks=tasks,
        intermediate=Settings(lr=1e-5),
        target=Settings(lr=1e-5),
    )
    plan = make_plan(sweep)
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = first_slot(slot.needs)
        revisions = {name: name for name in sweep.members(slot.task)}
        made = build(
            plan, slot, {}, ids.get(needed, ""), Revisions(train=revisions, evaluate=revisions)
        )
        ids[slot.key] = made.id
    pairs = {(slot.identity, ids[slot.key]) for slot in plan.slots}
    assert (
        len(pairs) == len({identity for identity, _ in pairs}) == len({phase for _, phase in pairs})
    )
    assert ids["model/apart/t0"] == ids["model/twin/t0"] != ids["model/together/t0"]


def test_plan_identities_agree_with_phase_ids() -> None:
    plan = make_plan(paper_grid(seeds=(1, 2)))
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = first_slot(slot.needs)
        ids[slot.key] = build(plan, slot, {}, ids.get(needed, ""), Revisions()).id
    assert len(set(ids.values())) == summary(plan)["phases"]
    by_identity = {slot.identity: ids[slot.key] for slot in plan.slots}
    assert all(by_identity[slot.identity] == ids[slot.key] for slot in plan.slots)

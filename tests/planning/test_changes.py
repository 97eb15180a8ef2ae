"""The nearest recorded phase, and what differs from it in a sweep file's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import toy
from xstilts.planning.changes import Index, Recorded, changes
from xstilts.spec.phase import ModelParent, PhaseParent, PhaseSpec
from xstilts.spec.stages import PhaseKind


def spec(**given: Any) -> PhaseSpec:
    values = {"model": "m", "tasks": [toy.task("class", "rows")], **given}  # type: ignore[arg-type]
    return toy.training(**values)


def recorded(one: PhaseSpec) -> Recorded:
    names = tuple(member.task.name for member in one.members)
    return Recorded(id=one.id, names=names, payload=one.payload())


def said(old: PhaseSpec, new: PhaseSpec, kind: PhaseKind = "target") -> list[str]:
    names = [member.task.name for member in new.members]
    return [one.said for one in changes(old.payload(), new.payload(), kind, names)]


def with_data(one: PhaseSpec, revision: str) -> PhaseSpec:
    member = one.members[0].model_copy(update={"data_revision": revision})
    return one.model_copy(update={"members": (member,)})


def test_nearest_has_the_fewest_differences() -> None:
    one, two, three = spec(lr=1e-3), spec(lr=1e-3, seed=2), spec(lr=1e-4, steps=5, seed=3)
    index = Index(map(recorded, (three, two, one)))
    assert index.nearest(spec(lr=2e-3).payload(), ("class",), "").id == one.id  # type: ignore
    assert index.nearest(spec(lr=2e-3, seed=2).payload(), ("class",), "").id == two.id  # type: ignore


def test_nearest_of_equals_starts_from_the_wanted_parent() -> None:
    children = [spec(parent=PhaseParent(phase=name)) for name in ("a", "b")]
    index = Index(map(recorded, children))
    new = spec(parent=PhaseParent(phase="c")).payload()
    assert [index.nearest(new, ("class",), name).parent for name in "ab"] == ["a", "b"]  # type: ignore


def test_phase_of_other_tasks_or_another_action_is_not_compared() -> None:
    index = Index([recorded(spec())])
    other = spec(tasks=[toy.task("tags", "rows")])  # type: ignore[arg-type]
    scores = toy.evaluation(ModelParent(model="m", revision="r"), toy.task("class", "rows"))  # type: ignore[arg-type]
    assert index.nearest(other.payload(), ("tags",), "") is None
    assert index.nearest(scores.payload(), ("class",), "") is None
    assert Index([]).nearest(other.payload(), ("tags",), "") is None


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (spec(lr=2e-3), "target.lr 0.001 -> 0.002"),
        (spec(seed=2), "seed 1 -> 2"),
        (with_data(spec(), "new-revision"), "data of class train changed (content hash r.. -> new"),
        (
            spec(tasks=[toy.task("class", "rows", labels=("a", "b"))]),  # type: ignore[arg-type]
            'tasks.class.labels ["bad","good"] -> ["a","b"]',
        ),
        (spec(parent=ModelParent(model="m", revision="s")), "files of the model changed (hash r.."),
        (spec(parent=ModelParent(model="n", revision="r")), "model m -> n"),
        (spec(parent=PhaseParent(phase="p")), "it starts from another kind of model or phase"),
    ],
)
def test_change_is_told_in_the_words_of_a_sweep_file(new: PhaseSpec, words: str) -> None:
    (one,) = said(spec(), new)
    assert one.startswith(words)


def test_settings_are_those_of_the_kind_and_the_recipe_is_explained() -> None:
    assert said(spec(), spec(lr=1.0), "intermediate") == ["intermediate.lr 0.001 -> 1"]
    assert said(spec(), spec(lr=1.0), "pretrain") == ["settings.lr 0.001 -> 1"]
    old = {**spec().payload(), "recipe": 1}
    (one,) = changes(old, spec().payload(), "target", ["class"])
    assert (one.field, one.old) == ("recipe", 1)


def test_evaluation_says_that_its_test_rows_changed() -> None:
    one = toy.evaluation(ModelParent(model="m", revision="r"), toy.task("class", "rows"))  # type: ignore[arg-type]
    assert said(one, with_data(one, "x"), "evaluate") == [
        "data of class test changed (content hash r.. -> x..)"
    ]


def test_parent_is_told_last() -> None:
    old, new = (
        spec(parent=PhaseParent(phase=name), lr=lr) for name, lr in (("a", 1.0), ("b", 2.0))
    )
    assert [one.split()[0] for one in said(old, new)] == ["target.lr", "parent"]

"""Which intermediates are compared with each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ROOT
from tests.results.arm_worlds import GERMAN, PSEUDO, arm_sweep, arm_task
from xstilts.results.arm_pairs import QUESTIONS, pairs
from xstilts.spec.hyperparameters import LogRange, Settings
from xstilts.spec.sweep import Chain, Mixture, Rates, Sweep
from xstilts.spec.task import Limits, Source, Task
from xstilts.spec.transforms import Lookup, Transform
from xstilts.sweep_file import load

MLM = arm_task("mlm", format="masked_lm", metric="mlm_accuracy", labels=())


def _found(sweep: Sweep) -> list[tuple[str, str, str]]:
    return [(pair.kind, pair.arm, pair.reference) for pair in pairs(sweep)]


def test_pairs_a_transformed_task_stands_against_its_own_rows() -> None:
    german, other = arm_task("a_de", "a", transform=GERMAN), arm_task("b")
    assert _found(arm_sweep((arm_task("a"), german, other))) == [("transform", "a_de", "a")]
    assert pairs(arm_sweep((arm_task("a"), german)))[0].what == "translated into de by nllb"


def test_pairs_other_rows_splits_or_limits_are_no_arm() -> None:
    cut = arm_task("a_de", "a", transform=GERMAN, limits=Limits(train=10))
    assert _found(arm_sweep((arm_task("a"), cut))) == []
    assert (
        _found(
            arm_sweep(
                (arm_task("a_de", "a", transform=GERMAN), arm_task("b_de", "b", transform=GERMAN))
            )
        )
        == []
    )


def test_pairs_two_tasks_on_files_are_one_only_if_the_files_are() -> None:
    # a training payload leaves out where files lie, so that a moved file is found again; here they
    # are all there is
    own = {"source": Source(files=("a.jsonl",))}
    tasks = (
        arm_task("a", **own),
        arm_task("b", source=Source(files=("b.jsonl",))),
        arm_task("a_de", transform=GERMAN, **own),
    )
    assert _found(arm_sweep(tasks)) == [("transform", "a_de", "a")]


def test_pairs_every_transformed_arm_stands_against_invented_words() -> None:
    looked_up = Transform(lookup=Lookup(files=("sw.tsv",), languages=("sw",)))
    tasks = (
        arm_task("a"),
        arm_task("a_de", "a", transform=GERMAN),
        arm_task("a_sw", "a", transform=looked_up),
        arm_task("a_pseudo", "a", transform=PSEUDO),
        arm_task("b_pseudo", "b", transform=PSEUDO),
    )
    assert _found(arm_sweep(tasks)) == [
        ("transform", "a_de", "a"),
        ("transform", "a_sw", "a"),
        ("transform", "a_pseudo", "a"),
        ("control", "a_de", "a_pseudo"),
        ("control", "a_sw", "a_pseudo"),
    ]


def test_pairs_union_of_transformed_parts_is_an_arm_of_the_union() -> None:
    def union(name: str, **changes: Any) -> Task:
        return arm_task(
            name,
            source=Source(union=True),
            parts=(arm_task("p1", **changes), arm_task("p2", **changes)),
        )

    unions = union("u"), union("u_de", transform=GERMAN), union("u_pseudo", transform=PSEUDO)
    assert _found(arm_sweep(unions)) == [
        ("transform", "u_de", "u"),
        ("transform", "u_pseudo", "u"),
        ("control", "u_de", "u_pseudo"),
    ]


def test_pairs_a_mixture_with_masked_lm_stands_against_the_task_alone() -> None:
    slow = arm_task("a_slow", "a")
    sweep = arm_sweep(
        (arm_task("a"), slow, MLM), Mixture(mixture=("a", "mlm")), alone=("a", "a_slow")
    )
    assert _found(sweep) == [("masked_lm", "a+mlm", "a"), ("masked_lm", "a+mlm", "a_slow")]


def test_pairs_two_tasks_beside_masked_lm_are_no_task_with_it() -> None:
    sweep = arm_sweep(
        (arm_task("a"), arm_task("b"), MLM), Mixture(mixture=("a", "b", "mlm")), alone=("a",)
    )
    assert _found(sweep) == [("member", "a+b+mlm", "a")]


def test_pairs_mixtures_of_the_same_tasks_stand_against_each_other() -> None:
    mixed = [
        Mixture(mixture=("a", "b"), name="first"),
        Mixture(mixture=("b", "a"), name="second", rates=Rates(cap=9, temperature=2)),
        Mixture(mixture=("a", "c"), name="other"),
        Mixture(mixture=("a", "b"), name="third", rates="uniform", heads="shared"),
    ]
    found = pairs(arm_sweep((arm_task("a"), arm_task("b"), arm_task("c")), *mixed, alone=()))
    assert [(p.kind, p.arm, p.reference) for p in found] == [
        ("mixed", "second", "first"),
        ("mixed", "third", "first"),
        ("mixed", "third", "second"),
    ]
    assert found[0].what == "rates: cap 9, temperature 2 instead of proportional"
    assert (
        found[1].what == "rates: uniform instead of proportional; shared heads instead of separate"
    )


def test_pairs_a_mixture_stands_against_its_tasks_alone() -> None:
    sweep = arm_sweep(
        (arm_task("a"), arm_task("b"), MLM),
        Mixture(mixture=("a", "mlm")),
        Mixture(mixture=("a", "b")),
    )
    assert _found(sweep) == [
        ("masked_lm", "a+mlm", "a"),
        ("member", "a+mlm", "mlm"),
        ("member", "a+b", "a"),
        ("member", "a+b", "b"),
    ]


def test_pairs_settings_that_differ_are_said() -> None:
    settings = {
        "a": Settings(lr=1e-5, steps=100, batch_size=8),
        "b": Settings(lr=LogRange(log=(1e-6, 1e-4)), steps=100),
        "a+b": Settings(lr=5e-6, steps=200, batch_size=8, max_length_tokens=256),
    }
    with_a, with_b = pairs(
        arm_sweep((arm_task("a"), arm_task("b")), Mixture(mixture=("a", "b")), overrides=settings)
    )
    assert with_a.settings == (
        "other number of updates",
        "lr 5e-06 instead of 1e-05",
        "steps 200 instead of 100",
        "other max_length_tokens",
    )
    # what is left out is the default: a batch of 32
    assert "batch_size 8 instead of 32" in with_b.settings
    assert "lr 5e-06 instead of 1e-06 to 0.0001" in with_b.settings
    written = {
        "a": Settings(steps=1000),
        "b": Settings(lr=1e-3),
        "a+b": Settings(),
    }  # 1000 steps are the default
    sweep = arm_sweep(
        (arm_task("a"), arm_task("b")), Mixture(mixture=("a", "b")), overrides=written
    )
    assert [pair.settings for pair in pairs(sweep)] == [(), ("lr 2e-05 instead of 0.001",)]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # mnli has five other arms, qqp and hellaswag four; all but the invented words stand against
        # these, too
        ("phang2020-translated", {"transform": 13, "control": 10}),
        (
            "phang2020-mlm",
            {"masked_lm": 5, "member": 4},
        ),  # mnli+mlm against mnli and mnli_slow; four against mlm
        ("phang2020-multitask", {"mixed": 3, "member": 9}),
        ("xtreme-r-synthetic-multilingual", {"transform": 8, "control": 6}),
        ("phang2020", {}),
    ],
)
def test_pairs_of_the_sweeps_that_come_with_the_project(name: str, counts: dict[str, int]) -> None:
    found = pairs(load(ROOT / "sweeps" / f"{name}.yaml"))
    assert {kind: n for kind in QUESTIONS if (n := sum(p.kind == kind for p in found))} == counts


def test_pairs_a_chain_stands_against_its_last_stage_and_its_first_alone() -> None:
    tasks = (arm_task("a"), arm_task("b"), arm_task("c"))
    found = pairs(arm_sweep(tasks, Chain(chain=("a", "b", "c"))))
    assert [(pair.kind, pair.arm, pair.reference) for pair in found] == [
        ("chain", "a-then-b-then-c", "c"),
        ("chain", "a-then-b-then-c", "a"),
    ]
    assert found[0].summary_line == "a, then b, then c; other number of updates"


def test_pairs_a_chain_without_a_stage_alone_is_compared_with_what_there_is() -> None:
    mixture = Mixture(mixture=("a", "b"))
    tasks = (arm_task("a"), arm_task("b"), arm_task("c"))
    chain = Chain(chain=(mixture, "c"), name="long")
    assert _found(arm_sweep(tasks, mixture, chain, alone=())) == [("chain", "long", "a+b")]
    assert _found(arm_sweep(tasks, chain, alone=())) == []

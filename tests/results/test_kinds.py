"""The groups of a task and of an intermediate."""

from __future__ import annotations

import pytest

from tests.results.group_worlds import (
    group_sweep,
    group_task,
)
from xstilts.results.kinds import MIXTURE, data_kind, of_intermediate, size_class, teaches
from xstilts.spec.sweep import Chain, Mixture
from xstilts.spec.task import Limits, Source
from xstilts.spec.transforms import Pseudo, Transform, Translate
from xstilts.tasks import TASKS


def test_teaches_built_in_tasks_have_their_kind() -> None:
    kinds = {
        name: teaches(TASKS[name])
        for name in ("udpos", "cola", "xnli", "panx", "squad", "mlm", "paws")
    }
    assert kinds == {
        "udpos": "syntactic",
        "cola": "syntactic",
        "xnli": "semantic",
        "panx": "mixed",
        "squad": "semantic",
        "mlm": "language modelling",
        "paws": "mixed",
    }
    assert teaches(group_task("x", ("poetry", "size:small"))) == "poetry"
    assert teaches(group_task("x", ())) == "other"


@pytest.mark.parametrize(
    ("words", "limit", "expected"),
    [
        (("size:large",), None, "large"),
        (("size:large",), 2_490, "small"),
        (("size:large",), 10_000, "medium"),
        (("size:small",), 50_000, "small"),
        ((), 100_000, "medium"),
        ((), 500_000, "large"),
        ((), None, "other"),
    ],
)
def test_size_class_a_limit_counts(
    words: tuple[str, ...], limit: int | None, expected: str
) -> None:
    assert size_class(group_task("x", words, limits=Limits(train=limit))) == expected


def test_data_kind_follows_the_transform() -> None:
    translate = Transform(translate=Translate(model="m", languages=("de",)), share=0.5)
    assert data_kind(group_task("x", ())) == "original"
    assert data_kind(group_task("x", (), transform=translate)) == "translated, in part"
    pseudo = group_task("x", (), transform=Transform(pseudo=Pseudo()))
    assert data_kind(pseudo) == "invented words"
    assert (
        data_kind(group_task("u", (), source=Source(union=True), parts=(pseudo, pseudo)))
        == "invented words"
    )
    assert (
        data_kind(
            group_task("u", (), source=Source(union=True), parts=(pseudo, group_task("y", ())))
        )
        == MIXTURE
    )


def test_of_intermediate_mixture_of_one_kind_is_of_it_and_else_a_mixture() -> None:
    sweep = group_sweep(Mixture(mixture=("s1", "s2")), Mixture(mixture=("s1", "m1"), name="both"))
    assert of_intermediate(sweep, "s1+s2", teaches) == "syntactic"
    assert of_intermediate(sweep, "both", teaches) == MIXTURE
    assert of_intermediate(sweep, "both", size_class) == "small"


def test_of_intermediate_chain_is_of_a_group_where_its_stages_agree() -> None:
    sweep = group_sweep(Chain(chain=("s1", "s2")), Chain(chain=("s1", "m1"), name="both"))
    assert of_intermediate(sweep, "s1-then-s2", teaches) == "syntactic"
    assert of_intermediate(sweep, "both", teaches) == MIXTURE
    assert of_intermediate(sweep, "both", size_class) == "small"

"""Values of a sweep: names in tables, members, settings of a name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.support.sweeps import small, task
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Mixture, Model, Pretraining, intermediate_label

# -- names in tables


@pytest.mark.parametrize(
    ("model", "label"),
    [
        (Model(id="FacebookAI/xlm-roberta-base"), "xlm-roberta-base"),
        (Model(id="./models/own/"), "own"),
        (Model(id="org/m", name="mine"), "mine"),
        (Pretraining(name="tiny", task="mlm", config={}, tokenizer="generator"), "tiny"),
    ],
)
def test_model_is_called_by_its_name_or_the_last_part_of_its_id(
    model: Model | Pretraining, label: str
) -> None:
    assert model.label == label


def test_mixture_is_called_by_its_name_or_its_members() -> None:
    assert Mixture(mixture=("good", "bad")).label == "good+bad"
    assert intermediate_label(Mixture(mixture=("good", "bad"), name="both")) == "both"
    assert intermediate_label("none") == "none"


def test_mixture_of_one_task_is_refused() -> None:
    with pytest.raises(ValidationError):
        Mixture(mixture=("good",))


# -- a sweep


def test_sweep_task_is_found_by_name_and_an_unknown_one_is_a_key_error() -> None:
    assert small().task("bad").name == "bad"
    with pytest.raises(KeyError, match="ugly"):
        small().task("ugly")


def test_sweep_members_are_those_of_a_mixture_or_the_task_itself() -> None:
    both = Mixture(mixture=("good", "bad"), name="both")
    sweep = small(intermediates=("none", "good", both))
    assert sweep.members("both") == ("good", "bad")
    assert sweep.members("good") == ("good",)
    assert sweep.mixture("both") is both
    assert sweep.mixture("good") is None


def test_sweep_settings_of_a_name_go_before_those_of_its_kind() -> None:
    sweep = small(
        intermediate=Settings(lr=1e-5, steps=10),
        target=Settings(lr=1e-4, steps=20),
        overrides={"tags": Settings(steps=5)},
        tasks=(task("good"), task("bad"), task("tags"), task("find", "retrieval")),
    )
    assert sweep.settings("intermediate", "good").given() == {"lr": 1e-5, "steps": 10}
    assert sweep.settings("target", "tags").given() == {"lr": 1e-4, "steps": 5}
    # An override is of a name, whatever is trained on it.
    assert sweep.settings("intermediate", "tags").given() == {"lr": 1e-5, "steps": 5}
    assert sweep.settings("pretrain", "good") == sweep.settings("intermediate", "good")

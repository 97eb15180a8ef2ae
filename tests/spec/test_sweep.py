"""Values of a sweep: search spaces, settings over settings, names in tables, members."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.sweeps import small, task
from xstilts.spec.hyperparameters import Choice, Hyperparameters, IntRange, LogRange, Settings
from xstilts.spec.sweep import Mixture, Model, Pretraining, intermediate_label

# -- search spaces


@pytest.mark.parametrize("log", [(0, 1), (-1e-3, 1e-3), (1e-3, 1e-3), (1e-3, 1e-5)])
def test_log_range_that_does_not_rise_from_above_zero_is_refused(log: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="0 < low < high"):
        LogRange(log=log)


@pytest.mark.parametrize("ends", [(3, 3), (4, 3)])
def test_int_range_that_does_not_rise_is_refused(ends: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="low < high"):
        IntRange(int=ends)


def test_int_range_may_begin_below_zero() -> None:
    assert IntRange(int=(-1, 3)).int == (-1, 3)


def test_choice_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        Choice(choice=())


# -- settings


def test_settings_over_others_keep_what_they_say_and_take_the_rest() -> None:
    own, other = Settings(lr=1e-4), Settings(lr=1e-5, steps=Choice(choice=(10, 20)))
    assert own.over(other).given() == {"lr": 1e-4, "steps": Choice(choice=(10, 20))}
    assert other.over(own).given() == other.given()


def test_settings_that_are_none_are_not_given() -> None:
    assert Settings(lr=None, steps=5).given() == {"steps": 5}
    assert Settings(lr=None).over(Settings(lr=1e-5)).given() == {"lr": 1e-5}


def test_settings_have_every_hyperparameter_and_no_other() -> None:
    assert list(Settings.model_fields) == list(Hyperparameters.model_fields)


@pytest.mark.parametrize(
    ("values", "interval"),
    [
        ({"steps": 100}, 25),
        ({"steps": 10}, 3),  # a quarter, rounded up
        ({"steps": 1}, 1),
        ({"steps": 100, "eval_every_steps": 40}, 40),
    ],
)
def test_evaluation_interval_is_a_quarter_unless_given(
    values: dict[str, Any], interval: int
) -> None:
    assert Hyperparameters(**values).evaluation_interval_steps == interval


def test_value_is_frozen_and_refuses_unknown_keys() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Hyperparameters().lr = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="learning_rate"):
        Hyperparameters(learning_rate=1.0)  # type: ignore[call-arg]


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

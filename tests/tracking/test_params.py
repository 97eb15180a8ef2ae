"""Params and numbers of mixtures, transforms and layer sweeps, as MLflow gets them."""

from __future__ import annotations

from tests.support.builders import evaluation_result, train_result
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseSpec
from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task
from xstilts.spec.transforms import Pseudo, Transform
from xstilts.store.results import CurvePoint, LayerScore
from xstilts.tasks import TASKS
from xstilts.tracking.numbers import scores, training_points
from xstilts.tracking.params import of_training


def _spec(*tasks: Task, action: str = "train", **given) -> PhaseSpec:
    return PhaseSpec(
        action=action,
        parent=ModelParent(model="m", revision="r"),
        hyper=Hyperparameters(),
        members=tuple(Member(task=task, data_revision="d") for task in tasks),
        **given,
    )


def test_of_training_mixture_is_in_words() -> None:
    rates = Rates(cap=131072, temperature=2, fixed={"mlm": 0.2})
    found = of_training(_spec(TASKS["mnli"], TASKS["mlm"], rates=rates, heads="shared"))
    assert found["tasks"] == "mnli, mlm"
    assert found["rates"] == "cap 131072, temperature 2, mlm 0.2"
    assert found["heads"] == "shared"
    assert "transform" not in found


def test_of_training_one_task_has_its_transform_and_no_rates() -> None:
    task = TASKS["mnli"].model_copy(update={"transform": Transform(pseudo=Pseudo(), share=0.5)})
    found = of_training(_spec(task))
    assert found["transform"] == "invented words; 0.5 of the rows"
    assert not {"tasks", "rates", "heads"} & set(found)


def test_training_points_mixture_has_a_curve_for_each_member() -> None:
    curve = [
        CurvePoint(step=2, loss=1.0, lr=0.1, dev=15.0, dev_by_task={"a": 10.0, "b": 20.0}),
        CurvePoint(step=4, loss=0.5, lr=0.0, dev=25.0, dev_by_task={"a": 20.0, "b": 30.0}),
    ]
    result = train_result(25.0, steps=4, curve=curve)
    points = [(p.step, p.value) for p in training_points(result, 0, 1000) if p.key == "dev/b/value"]
    assert points == [(2, 20.0), (4, 30.0)]


def test_scores_layer_sweep_is_the_mean_over_languages_at_each_hidden_state() -> None:
    layers = [
        LayerScore(language, layer, "mean", "accuracy", value, 9)
        for language, values in {"de": (10.0, 30.0), "fr": (20.0, 50.0)}.items()
        for layer, value in enumerate(values)
    ]
    result = evaluation_result({"de": {"accuracy": 30.0}}, {"de": 9}, layers)
    points = {
        p.step: p.value
        for p in scores(result, "tatoeba", 1000)
        if p.key == "layers/tatoeba/mean/accuracy"
    }
    assert points == {0: 15.0, 1: 40.0}

"""Params of mixtures and transforms, as MLflow gets them."""

from __future__ import annotations

from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseSpec
from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task
from xstilts.spec.transforms import Pseudo, Transform
from xstilts.tasks import TASKS
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

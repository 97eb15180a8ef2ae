"""Which trained head answers an evaluation."""

from __future__ import annotations

import pytest

from tests.support.sweeps import task
from xstilts.errors import PhaseError
from xstilts.models.heads import _chosen


def entry(task_format: str, labels: list[str], name: str = "trained") -> dict[str, object]:
    return {"file": "head-0.safetensors", "format": task_format, "task": name, "labels": labels}


def test_head_of_three_choices_answers_a_task_of_two() -> None:
    copa = task("copa", "multiple_choice", train_task="siqa")
    assert (
        _chosen(copa, [entry("multiple_choice", ["1", "2", "3"], "siqa")], "0" * 24)["task"]
        == "siqa"
    )


@pytest.mark.parametrize("task_format", ["classification", "tagging"])
def test_head_of_other_labels_is_refused(task_format: str) -> None:
    with pytest.raises(PhaseError, match=r"needs a .* head with labels \['a', 'b'\]"):
        _chosen(task("target", task_format), [entry(task_format, ["b", "a"])], "0" * 24)


def test_head_of_several_that_fit_is_the_training_tasks_own() -> None:
    heads = [
        entry("classification", ["a", "b"], "other"),
        entry("classification", ["a", "b"], "own"),
    ]
    assert _chosen(task("target", train_task="own"), heads, "0" * 24)["task"] == "own"

"""What a sweep file may say of GPUs and budgets."""

from __future__ import annotations

import pytest

from tests.support.sweep_texts import GOOD, only, problems
from xstilts import sweep_file

ONE = "resources: {gpus_per_worker: 1}\n"


def test_kinds_of_gpu_are_one_or_several_in_order() -> None:
    assert sweep_file.loads(GOOD).resources.gpus == ()
    assert sweep_file.loads(GOOD + "resources: {gpu: L4}\n").resources.gpus == ("L4",)
    several = sweep_file.loads(GOOD + "resources: {gpu: [A100-80GB, L4]}\n")
    assert several.resources.gpus == ("A100-80GB", "L4")


def test_budget_of_every_kind_is_read() -> None:
    text = (
        "resources: {gpus_per_worker: 0.5, gpu: [a100, L4]}\n"
        "budget: {gpu_hours: 40, money: 100, price_per_gpu_hour: {A100-80GB: 3.2, L4: 0.8}, "
        "when_spent: finish, grace_minutes: 3}\n"
    )
    budget = sweep_file.loads(GOOD + text).budget
    assert (budget.gpu_hours, budget.money, budget.when_spent) == (40, 100, "finish")
    assert budget.price_per_gpu_hour == {"A100-80GB": 3.2, "L4": 0.8}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("resources: {gpu: [L4, K80]}\n", 'resources.gpu[1] is "K80"; must be a GPU that the'),
        (
            "resources: {gpus_per_worker: 2}\n",
            "resources.gpus_per_worker is 2; must be at most 1: a worker computes on one GPU",
        ),
        (
            "resources: {gpus_per_worker: 0.5, workers: 2}\n",
            "resources.gpus_per_worker is 0.5; must be 1 for 2 workers: NCCL refuses",
        ),
        (
            "budget: {gpu_hours: 3}\n",
            "budget.gpu_hours: no phase holds a GPU, so nothing would be counted",
        ),
        (ONE + "budget: {money: 3}\n", "budget.money needs budget.price_per_gpu_hour"),
        (
            ONE + "budget: {price_per_gpu_hour: {L4: 1}}\n",
            "budget.price_per_gpu_hour has prices by kind of GPU, so `resources: {gpu: ...}`",
        ),
        (
            "resources: {gpus_per_worker: 1, gpu: [L4, H100]}\n"
            "budget: {price_per_gpu_hour: {L4: 1}}\n",
            "budget.price_per_gpu_hour has no price for H100",
        ),
        (
            "resources: {gpus_per_worker: 1, gpu: L4}\nbudget: {price_per_gpu_hour: {L4: 0}}\n",
            "budget.price_per_gpu_hour.L4 is 0; must be above 0",
        ),
        (
            "resources: {gpus_per_worker: 1, gpu: L4}\n"
            "budget: {price_per_gpu_hour: {L4: 1, L44: 2}}\n",
            'budget.price_per_gpu_hour.L44 is "L44"; must be a GPU',
        ),
        ("budget: {when_spent: stop}\n", "budget.when_spent"),
        ("budget: {grace_minutes: -1}\n", "budget.grace_minutes is -1"),
    ],
)
def test_what_cannot_be_is_one_problem_at_its_place(extra: str, words: str) -> None:
    assert words in only(GOOD + extra)[1]


def test_several_mistakes_come_out_together() -> None:
    found = problems(GOOD + "resources: {gpus_per_worker: 3, gpu: X}\nbudget: {money: 1}\n")
    assert len(found) == 3

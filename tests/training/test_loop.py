"""The loop's own rules: the schedule and what is decayed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.support import toy
from xstilts.training.loop import factor, optimizer
from xstilts.workers.precision import use_bf16


def factors(**changes: object) -> list[float]:
    hyper = toy.hyper(**changes)
    return [factor(step, hyper) for step in range(hyper.steps)]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant", "wsd"])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("warmup_ratio", [0.0, 0.1, 0.5, 0.99])
def test_schedule_is_above_zero_and_at_most_one_at_every_update(
    schedule: str, steps: int, warmup_ratio: float
) -> None:
    made = factors(schedule=schedule, steps=steps, warmup_ratio=warmup_ratio)
    assert all(0 < value <= 1 for value in made)
    assert factor(steps, toy.hyper(schedule=schedule, steps=steps, warmup_ratio=warmup_ratio)) >= 0


def test_schedule_linear_rises_to_its_peak_and_falls_to_zero() -> None:
    made = factors(schedule="linear", steps=10, warmup_ratio=0.2)
    assert made == pytest.approx([1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_schedule_cosine_is_half_in_the_middle() -> None:
    made = factors(schedule="cosine", steps=100, warmup_ratio=0)
    assert (
        made[0] == 1
        and made[50] == pytest.approx(0.5)
        and made[75] == pytest.approx(0.1464, abs=1e-3)
    )


def test_schedule_constant_stays() -> None:
    assert factors(schedule="constant", steps=10, warmup_ratio=0.1)[1:] == [1.0] * 9


def test_schedule_wsd_stays_and_falls_over_the_last_fifth() -> None:
    made = factors(schedule="wsd", steps=20, warmup_ratio=0.1)
    assert made[2:17] == [1.0] * 15 and made[17:] == pytest.approx([0.75, 0.5, 0.25])


def test_optimizer_decays_matrices_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 4))
    groups = optimizer(model, toy.hyper(weight_decay=0.1)).param_groups
    assert [(g["weight_decay"], len(g["params"])) for g in groups] == [(0.1, 2), (0.0, 3)]


def test_optimizer_leaves_frozen_weights_out() -> None:
    model = nn.Linear(3, 4, bias=False).requires_grad_(False)
    both = nn.Sequential(model, nn.Linear(4, 2, bias=False))
    assert sum(len(g["params"]) for g in optimizer(both, toy.hyper()).param_groups) == 1


def test_precision_auto_is_full_on_a_cpu() -> None:
    cpu = torch.device("cpu")
    assert not use_bf16(toy.hyper(), cpu) and use_bf16(toy.hyper(precision="bf16"), cpu)

"""A clean slate for every phase."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch

from xstilts import process


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_clean_gives_the_same_randomness_whatever_went_before() -> None:
    alone = process.world()
    with process.clean(alone, seed=3, threads=1):
        first = draws()
    torch.rand(9)
    with process.clean(alone, seed=3, threads=1):
        assert draws() == first
    with process.clean(alone, seed=4, threads=1):
        assert draws() != first


def test_clean_hides_another_groups_variables_and_puts_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)
    with process.clean(process.world(), seed=1, threads=1):
        assert "LOCAL_RANK" not in os.environ and "ACCELERATE_MIXED_PRECISION" not in os.environ
        assert os.environ["ACCELERATE_TORCH_DEVICE"] == str(process.world().device)
    assert os.environ["LOCAL_RANK"] == "3" and os.environ["ACCELERATE_MIXED_PRECISION"] == "fp16"
    assert "ACCELERATE_TORCH_DEVICE" not in os.environ


def test_clean_forgets_accelerates_singletons() -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    with process.clean(process.world(), seed=1, threads=1):
        Accelerator(cpu=True)
    assert PartialState._shared_state == {} and AcceleratorState._shared_state == {}


def test_clean_sets_the_threads() -> None:
    with process.clean(process.world(), seed=1, threads=2):
        assert torch.get_num_threads() == 2
    with process.clean(process.world(), seed=1, threads=1):
        assert torch.get_num_threads() == 1


def test_world_alone_answers_itself() -> None:
    alone = process.world()
    assert (alone.rank, alone.size, alone.first) == (0, 1, True)
    assert alone.from_first("x") == "x" and alone.gather(5) == [5] and not alone.all_agree(False)


def test_provenance_names_versions_and_times() -> None:
    made = process.provenance(process.world(), threads=1, started=0.0)
    assert made["versions"]["torch"] == torch.__version__ and made["started"] == "1970-01-01T00:00:00+00:00"
    assert made["workers"] == 1 and made["seconds"] > 0

"""Which precision a device computes in."""

from __future__ import annotations

import pytest
import torch

from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.workers.precision import use_bf16

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("has_bf16", [True, False])
def test_auto_is_bf16_on_a_gpu_that_has_it_alone(
    has_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    assert use_bf16(Hyperparameters(), GPU) is has_bf16
    assert use_bf16(Hyperparameters(), CPU) is False


@pytest.mark.parametrize("device", [CPU, GPU])
def test_precision_that_is_given_holds_on_every_device(device: torch.device) -> None:
    assert use_bf16(Hyperparameters(precision="bf16"), device) is True
    assert use_bf16(Hyperparameters(precision="fp32"), device) is False

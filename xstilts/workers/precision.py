"""Which precision a device computes in."""

from __future__ import annotations

import torch

from xstilts.spec.hyperparameters import Hyperparameters


def use_bf16(hyper: Hyperparameters, device: torch.device) -> bool:
    """Whether to train and predict under bf16 autocast."""
    if hyper.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return hyper.precision == "bf16"

"""How much memory a GPU has, and how much a phase needs at least.

A training in fp32 or bf16 keeps weights, gradients and AdamW's two moments in fp32: 16 bytes a
parameter, embeddings included. What the forward pass keeps for the backward pass is counted as 34
bytes for each token, layer and unit of width at two bytes a number (Korthikanti et al. 2022, arXiv
2205.05198, equation 1, without the scores of attention, which fused attention does not keep), twice
that in fp32; with gradient checkpointing 2 bytes instead, and one layer whole. Heads, the
allocator's waste and CUDA's own memory are left out: it is what a phase needs at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xstilts.checks.costs import model_sizes
from xstilts.checks.costs.model_sizes import Encoder
from xstilts.planning import Plan, largest
from xstilts.spec.gpus import GPUS, ray_names
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.stages import TRAINED_KINDS
from xstilts.spec.sweep import Model

GIGABYTES: Mapping[str, float] = MappingProxyType(
    {
        "T4": 16,
        "V100": 16,
        "P100": 16,
        "A10G": 24,
        "L4": 24,
        "L40S": 48,
        "RTX-3090": 24,
        "RTX-4090": 24,
        "GeForce-RTX-3090": 24,
        "GeForce-RTX-4090": 24,
        "A100": 40,
        "A100-40G": 40,
        "A100-80G": 80,
        "A100-40GB": 40,
        "A100-80GB": 80,
        "H100": 80,
        "H200": 141,
    }
)
"""GPU, as Ray and as xstilts call it, to its memory in 1e9 bytes, as the makers state it; the
smaller where there are two.
"""
STATE_BYTES = 16
ACTIVATION_BYTES, CHECKPOINTED_BYTES = 34, 2


@dataclass(frozen=True, kw_only=True)
class Need:
    """The phase of a plan that needs most memory of a GPU."""

    model: str
    task: str
    bytes: float

    @property
    def gigabytes(self) -> float:
        """In 1e9 bytes."""
        return self.bytes / 1e9


def most_needed(plan: Plan, kind: str | None, base: str = ".") -> tuple[Need | None, list[str]]:
    """The training of a plan that needs most memory on a GPU of a kind, and the models whose size
    is not known here.
    """
    most, unknown = None, []
    encoders = {
        model.label: model_sizes.encoder(model.id, base=base, mirror=plan.sweep.mirror)
        if isinstance(model, Model)
        else model_sizes.of_config(model.config)
        for model in plan.sweep.models
    }
    for slot in plan.distinct().values():
        encoder = encoders[slot.model]
        if encoder is None:
            unknown.append(slot.model)
        elif slot.kind in TRAINED_KINDS:
            needed = of_training(encoder, largest(plan.settings(slot)), plan, kind)
            if most is None or needed > most.bytes:
                most = Need(model=slot.model, task=slot.task, bytes=needed)
    return most, list(dict.fromkeys(unknown))


def of_training(
    encoder: Encoder, hyper: Hyperparameters, plan: Plan, kind: str | None = None
) -> float:
    """Bytes that one worker of a training needs at least."""
    resources = plan.sweep.resources
    rows = -(-hyper.batch_size // (resources.workers * hyper.grad_accumulation))
    tokens = rows * hyper.max_length_tokens
    gpu = next((GPUS[name] for name in GPUS if kind in ray_names(name)), None)
    wide = 2 if hyper.precision == "fp32" or (gpu is not None and gpu.bf16 is None) else 1
    a_layer = ACTIVATION_BYTES * encoder.hidden * wide
    if resources.gradient_checkpointing:
        kept = CHECKPOINTED_BYTES * encoder.hidden * wide * encoder.layers + a_layer
    else:
        kept = a_layer * encoder.layers
    parameters = encoder.parameters + encoder.vocabulary * encoder.hidden
    return STATE_BYTES * parameters + tokens * kept

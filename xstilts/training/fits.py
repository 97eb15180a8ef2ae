"""Smaller micro-batches where memory is short.

The rows of an update stay the same: they are computed in twice as many micro-batches, each half as
large. The loss of an update is a sum with a factor known beforehand, so its value and its gradients
are the same up to floating-point noise. What differs is which units dropout leaves out, as with
another number of workers.
"""

from __future__ import annotations

from xstilts.errors import PhaseError
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import PhaseSpec


def accumulation(hyper: Hyperparameters, halvings: int) -> int:
    """Micro-batches of an update in each worker."""
    return hyper.grad_accumulation * 2**halvings


def check(spec: PhaseSpec, workers: int, halvings: int, error: str) -> None:
    """Raises PhaseError where micro-batches can't be halved so often; `error`: what memory said."""
    hyper = spec.hyper
    whole = [one.task.name for one in spec.members if one.task.spec.whole_batches]
    if whole:
        raise PhaseError(
            f"{error}; the candidates of a {whole[0]} batch compete with each other, so it can't "
            "be computed in parts: set `resources: {gradient_checkpointing: true}`, or lower "
            "batch_size"
        )
    if accumulation(hyper, halvings - 1) * workers >= hyper.batch_size:
        raise PhaseError(
            f"{error}; a micro-batch has one row already: set `resources: "
            "{gradient_checkpointing: true}`, lower max_length_tokens, or use a GPU with more "
            "memory"
        )

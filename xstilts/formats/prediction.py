"""Predicting and decoding: what most formats share.

A format *predicts* a split: it gives what it keeps of each feature, an entry each, in order. Then
it *decodes* that into a table. Most predict in one forward pass (`one_pass`) and decode each
language alone (`each_alone`). A format whose prediction is something else, such as generating text
token by token, brings its own `predict`.

Features are taken longest first, in batches of about the same number of tokens, and their outputs
go to numpy batch by batch with the padding cut off, so memory is bounded by the predictions and not
by the padding. Of several workers each takes its share of the batches; the first one gets what all
have kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from xstilts.formats.encoded import EncodedSplit
from xstilts.spec.format_specs import FormatSpec
from xstilts.spec.task import Task, Use
from xstilts.workers.process import World

BATCH_TOKENS = {"cpu": 4096, "cuda": 65536}
"""Tokens of a prediction batch, padding included."""

Array = np.ndarray[Any, np.dtype[Any]]
Table = dict[str, list[Any]]


class PredictingModel(Protocol):
    """What of a phase's model predicting needs."""

    training: bool
    body: Any
    """The transformers model under the heads."""

    def train(self, mode: bool = True) -> Any:
        """Turns dropout on or off."""

    def outputs(self, member: int, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Logits and summed loss of a member's head."""


def as_it_is(number: int, kept: Any) -> Any:
    """Keeps a feature's prediction in memory."""
    return kept


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A model and the worker that predicts with it."""

    model: PredictingModel
    member: int
    """Number of the member of the phase whose head predicts."""
    tokenizer: Any
    """The model's; a format that writes text reads its own predictions with it."""
    pad_id: int
    """Id that fills up a batch."""
    world: World
    """The workers that share the batches."""
    bf16: bool
    """Whether the forward pass is in bfloat16."""
    keep: Callable[[int, Any], Any] = as_it_is
    """Given a feature's number and its prediction: what stands for it from now on."""


class Predicted(NamedTuple):
    """A split and what was predicted of it."""

    split: EncodedSplit
    kept: list[Any]
    """What the format keeps of each feature, in order."""


ByUse = Mapping[Use, Predicted]
"""What an evaluation reads of one language: its test rows, and its development rows where the
format tunes something on them.
"""
Predict = Callable[[EncodedSplit, Task, Predictor], list[Any]]
Collate = Callable[[list[dict[str, Any]], int, torch.Generator | None], dict[str, Tensor]]
Decode = Callable[[Any, EncodedSplit, Task], Table]
Tables = Callable[[Mapping[str, ByUse], Task], dict[str, Table]]
Compact = Callable[[Array], Any]


# -- one forward pass


def one_pass(spec: FormatSpec, collate: Collate, compact: Compact | None = None) -> Predict:
    """The `predict` of a format whose head's outputs are its predictions.

    `compact` says what is kept of a feature's output; left out: all of it.
    """

    def predict(split: EncodedSplit, task: Task, predictor: Predictor) -> list[Any]:
        """What is kept of the head's output of every feature, in order, on the first worker; the
        others get an empty list.
        """
        model, world = predictor.model, predictor.world
        was_training = model.training
        model.train(False)
        own: dict[int, Any] = {}
        with (
            torch.inference_mode(),
            torch.autocast(world.device.type, torch.bfloat16, enabled=predictor.bf16),
        ):
            for rows in _own_batches(split, spec, world):
                collated = collate(split.features.__getitems__(rows), predictor.pad_id, None)
                for row, one in _outputs(collated, rows, split, spec, predictor):
                    own[row] = predictor.keep(row, compact(one) if compact else one)
        model.train(was_training)
        return _in_order(world.gather(own))

    return predict


def batch_tokens(spec: FormatSpec, device: str) -> int:
    """Tokens of a format's prediction batch on a device."""
    return BATCH_TOKENS[device] // spec.batch_share


def batches(lengths: Array | Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Feature numbers in batches of at most `tokens` tokens after padding (one feature at least),
    longest first.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    first = 0
    while first < len(order):
        count = max(1, tokens // max(1, int(lengths[order[first]])))
        yield order[first : first + count]
        first += count


def _own_batches(split: EncodedSplit, spec: FormatSpec, world: World) -> Iterator[list[int]]:
    """This worker's share of the batches."""
    every = batches(split.lengths, batch_tokens(spec, world.device.type))
    return (rows for number, rows in enumerate(every) if number % world.size == world.rank)


def _outputs(
    collated: dict[str, Tensor],
    rows: list[int],
    split: EncodedSplit,
    spec: FormatSpec,
    predictor: Predictor,
) -> Iterator[tuple[int, Array]]:
    """Number and output of each feature of a batch."""
    device = predictor.world.device
    logits, _ = predictor.model.outputs(
        predictor.member, {name: value.to(device) for name, value in collated.items()}
    )
    whole = (logits.float() if logits.is_floating_point() else logits).cpu().numpy()
    for row, one in zip(rows, whole, strict=True):
        yield row, one[: int(split.lengths[row])].copy() if spec.per_token else one


def _in_order(parts: Sequence[dict[int, Any]]) -> list[Any]:
    everything: dict[int, Any] = {}
    for part in parts:
        everything.update(part)
    return [everything[row] for row in range(len(everything))]


# -- from predictions to tables


def each_alone(decode: Decode) -> Tables:
    """The `tables` of a format that decodes the test rows of each language by themselves."""

    def tables(predicted: Mapping[str, ByUse], task: Task) -> dict[str, Table]:
        """Language to the table of its test rows."""
        return {
            language: decode(of["test"].kept, of["test"].split, task)
            for language, of in predicted.items()
        }

    return tables


def one_reading(
    predicted: ByUse, task: Task, n_layers: int
) -> Iterator[tuple[dict[str, Any], ByUse]]:
    """The `readings` of a format whose predictions mean one thing."""
    yield {}, predicted

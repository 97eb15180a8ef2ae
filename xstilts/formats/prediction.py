"""Predicting and decoding: what most formats share.

A format *predicts* a split: it returns what it keeps of each feature, in order. Then it *decodes*
that into a table. Most formats predict in one forward pass (`one_pass`) and decode each language
alone (`each_alone`). A format that predicts differently, such as by generating text token by token,
has its own `predict`.

Features are batched longest first, with about the same number of tokens in each batch. Outputs
become numpy arrays batch by batch, without padding, so memory holds only the predictions. Each
worker takes its share of the batches; the first one gathers what all have kept.
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
    """The part of a phase's model that predicting needs."""

    training: bool
    body: Any
    """The transformers model under the heads."""

    def train(self, mode: bool = True) -> Any:
        """Switches dropout on or off."""

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
    """The model's; a format that generates text decodes its predictions with it."""
    pad_id: int
    """Id that fills up a batch."""
    world: World
    """The workers that share the batches."""
    bf16: bool
    """Whether the forward pass is in bfloat16."""
    keep: Callable[[int, Any], Any] = as_it_is
    """Takes a feature's number and its prediction; returns what is kept instead."""


class Predicted(NamedTuple):
    """A split and its predictions."""

    split: EncodedSplit
    kept: list[Any]
    """What the format keeps of each feature, in order."""


ByUse = Mapping[Use, Predicted]
"""The predictions of one language by use: test, and dev if the format tunes something on it."""
Predict = Callable[[EncodedSplit, Task, Predictor], list[Any]]
Collate = Callable[[list[dict[str, Any]], int, torch.Generator | None], dict[str, Tensor]]
Decode = Callable[[Any, EncodedSplit, Task], Table]
Tables = Callable[[Mapping[str, ByUse], Task], dict[str, Table]]
Compact = Callable[[Array], Any]


# -- one forward pass


def one_pass(spec: FormatSpec, collate: Collate, compact: Compact | None = None) -> Predict:
    """The `predict` of a format whose head's outputs are its predictions.

    `compact` says what is kept of a feature's output; by default all of it.
    """

    def predict(split: EncodedSplit, task: Task, predictor: Predictor) -> list[Any]:
        """What is kept of the head's output for every feature, in order, on the first worker; the
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
    """Feature numbers in batches of at most `tokens` tokens after padding (at least one feature),
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
    """The `tables` of a format that decodes the test rows of each language separately."""

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
    """The `readings` of a format whose predictions are read in one way."""
    yield {}, predicted

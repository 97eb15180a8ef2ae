"""Formats: how a task is learned.

A format is a module with four parts: `encode` turns rows into features (once, cached on disk),
`collate` turns features into one batch of tensors, `Head` turns the body's last hidden state into
predictions and a loss, `decode` turns predictions into a table whose columns are enough to compute
every metric of the format. Formats know roles (`text`, `label`, ...), never a dataset's own column
names; the loop in `train.py` knows features, never a task.

A format keeps no state: all it needs comes as arguments, so a feature encoded by one process can be
collated by another.

Modules are imported when they are asked for, since they load torch.

Legend of the shapes: `F` features of a batch, `B` sequences of a batch (F, but more where a feature
holds several), `L` tokens after padding, `H` hidden width, `C` classes.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Protocol, cast, get_args

from xstilts.errors import InputError
from xstilts.spec.task import FormatName

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.sweep import Hyperparameters
    from xstilts.spec.task import Task

NAMES: tuple[str, ...] = get_args(FormatName)
"""Every format's name, which is its module's name."""


class FormatHead(Protocol):
    """A `torch.nn.Module` over the body's last hidden state; it holds every weight that is not the
    body's.

    A head that has an attribute `layers` is given a list of these hidden states instead; 0 is the
    embedding output.
    """

    def __call__(
        self, hidden_BLH: torch.Tensor, batch: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """`(logits, loss_sum)`.

        `logits` has one entry a feature along its first axis. `loss_sum` is a scalar: the *sum*
        over the batch's loss items (`n_items` of its features), or None where the batch has no
        labels. Dividing it is the loop's, so that the share of a worker or a micro-batch does not
        matter.
        """
        ...


class HeadFactory(Protocol):
    """The class `Head`."""

    def __call__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> FormatHead:
        """A new head; weights are drawn from torch's global generator."""
        ...


class Format(Protocol):
    """What every module of this package offers; all functions are pure.

    Some formats offer more, and `evaluate.py` looks for it:

    - `compact(logits)`: what is kept of a feature's logits until they are decoded; what it returns
      is what `decode` gets, but of a sweep of layers, where it gets the vectors of one variant
      (`embedding.py`);
    - `decode_tuned(logits, encoded, dev_logits, dev_encoded, task)`, of the formats in
      `task.TUNED`: `decode` with the development rows of the same language, on which something is
      tuned;
    - `decode_pool(logits, encoded, task)`, of those in `task.POOLED`: language to logits, language
      to split, and a table for each language. Their loss is one of a whole micro-batch, which the
      loader does not cut.
    """

    ROLES: tuple[str, ...]
    """Columns that rows must have."""
    METRICS: tuple[str, ...]
    """Names in `xstilts.metrics.METRICS`; `decode` yields the statistics of them all."""
    Head: HeadFactory

    def encode(
        self,
        batch: dict[str, list[Any]],
        task: Task,
        tokenizer: PreTrainedTokenizerBase,
        hyper: Hyperparameters,
        first_row: int,
    ) -> dict[str, list[Any]]:
        """Features of a batch of rows, as columns; `first_row` is the index of its first row in the
        split.

        A row yields any number of features, in order. Each has `input_ids` (special tokens
        included), `row` (index of the row in the split), `n_items` (items its loss is a sum of, at
        least 0), `length` (tokens of real text, what `attention_mask` will sum to), and what the
        format adds. Only `max_length_tokens` and `doc_stride_tokens` of `hyper` are read. Raises
        `DataError`.
        """
        ...

    def collate(
        self, features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        """One batch: `input_ids_BL`, `attention_mask_BL`, the labels; tensors only, int64 (numbers
        to learn: float32).

        Padded on the right to the longest sequence, up to a multiple of 8. `generator` drives the
        masks of the masked LM and nothing else; None asks for masks that depend on the features
        alone.
        """
        ...

    def decode(
        self, logits: list[np.ndarray[Any, Any]], encoded: EncodedSplit, task: Task
    ) -> dict[str, list[Any]]:
        """The predictions table: `id`, `prediction`, `gold` and the statistics of every metric.

        `logits` has one entry for each feature of `encoded`, in its order. Padding at the end of an
        entry may have been cut off or not; a format reads the positions that its features name.
        """
        ...


def get(name: str) -> Format:
    """The format called `name`; `InputError` where there is none."""
    import importlib

    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.0)
        raise InputError(
            f'format is "{name}"; must be one of {", ".join(NAMES)}; nearest: {", ".join(near)}'
        )
    return cast(Format, importlib.import_module(f"xstilts.formats.{name}"))

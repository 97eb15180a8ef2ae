"""Formats: how a task is learned.

What is known of a format without torch is its spec (`spec/format_specs`). What it does is a module
here of the same name. `encode` turns rows into features (once, cached on disk), `collate` turns
features into one batch of tensors, `Head` turns the body's last hidden state into predictions and a
loss. `predict` gives what is kept of every feature of a split; `decode` turns that into a table
whose columns are enough to compute every metric of the format. Most predict in one forward pass and
decode each language alone; what these share stands in `prediction.py`. Formats know roles (`text`,
`label`, ...), never a dataset's own column names; the training loop knows features, never a task.

A format keeps no state: all it needs comes as arguments, so a feature encoded by one process can be
collated by another.

Modules are imported when they are asked for, since they load torch.

Legend of the shapes: `F` features of a batch, `B` sequences of a batch (F, but more where a feature
holds several), `L` tokens after padding, `H` hidden width, `C` classes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from xstilts.errors import InputError
from xstilts.spec.format_specs import FORMATS

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.formats.prediction import ByUse, Predictor, Table
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

NAMES: tuple[str, ...] = tuple(FORMATS)
"""Every format's name, which is its module's name."""


class FormatHead(Protocol):
    """A `torch.nn.Module` over the body's last hidden state; it holds every weight that is not the
    body's. `common.HeadModule` answers what the model asks of it as most heads do.
    """

    layers: tuple[int, ...] | None
    """Hidden states that it is given, as a list, in the place of the last one; 0 is the embedding
    output.
    """
    one_text: bool
    """Whether all tokens of an input are of one text, whatever separators stand between them."""
    base_names: Mapping[str, str]
    """Prefix of a tensor's name in a base model's checkpoint to its prefix in the head, of a head
    that base models bring along.
    """

    def tie(self, embedding_weight: torch.Tensor) -> None:
        """Called once with the body's `embedding_VH`, before the first forward."""
        ...

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
    """What every module of this package offers; all functions are pure."""

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

    def predict(self, split: EncodedSplit, task: Task, predictor: Predictor) -> list[Any]:
        """What is kept of every feature of `split`, in its order, on the first worker of several;
        the others get an empty list.

        Each goes through `predictor.keep` as soon as it is there, and what that gives is kept in
        its place. Called by all workers of `predictor.world` alike.
        """
        ...

    def decode(self, kept: list[Any], encoded: EncodedSplit, task: Task) -> Table:
        """The predictions table of one split alone, as development scores need it: `id`,
        `prediction`, `gold` and the statistics of every metric of the format.

        `kept` has one entry for each feature of `encoded`, in its order. Padding at the end of an
        entry may have been cut off or not; a format reads the positions that its features name.
        """
        ...

    def tables(self, predicted: Mapping[str, ByUse], task: Task) -> dict[str, Table]:
        """Language to the table of its test rows, as an evaluation reports it.

        Where the format is `pooled`, it is given all languages at once, else one or more.
        """
        ...

    def readings(
        self, predicted: ByUse, task: Task, n_layers: int
    ) -> Iterator[tuple[dict[str, Any], ByUse]]:
        """The ways in which predictions of one language are read, the task's own first: what tells
        a way from the others, and what `tables` gets of it.

        One way with nothing to tell for most; a sweep of hidden states has one for each variant
        (`n_layers`: layers of the model).
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

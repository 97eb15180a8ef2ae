"""Formats: how a task is learned.

What can be said about a format without torch is its spec (`spec/format_specs`); what it does is the
module of the same name here. `encode` turns rows into features (once, cached on disk), `collate`
turns features into one batch of tensors, `Head` turns the body's last hidden state into predictions
and a loss. `predict` returns what is kept of every feature of a split; `decode` turns that into a
table whose columns are enough to compute every metric of the format. Most formats predict in one
forward pass and decode each language alone; their common code is in `prediction.py`. Formats know
roles (`text`, `label`, ...), never a dataset's own column names; the training loop knows features,
never a task.

A format has no state: everything it needs is an argument, so a feature encoded by one process can
be collated by another.

Modules are imported only when needed, because they load torch.

Legend of the shapes: `F` features of a batch, `B` sequences of a batch (F, but more where a feature
holds several), `L` tokens after padding, `H` hidden width, `C` classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from xstilts.errors import InputError, nearest
from xstilts.spec.format_specs import FORMATS

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.formats.exporting import Exported
    from xstilts.formats.prediction import ByUse, Predictor, Table
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

NAMES: tuple[str, ...] = tuple(FORMATS)
"""Every format's name, which is its module's name."""


class FormatHead(Protocol):
    """A `torch.nn.Module` over the body's last hidden state, with every weight that is not the
    body's. `common.HeadModule` has the defaults that fit most heads.
    """

    layers: tuple[int, ...] | None
    """Hidden states that it gets, as a list, instead of the last one; 0 is the embedding output."""
    one_text: bool
    """Whether all tokens of an input belong to one text, even with separators between them."""
    base_names: Mapping[str, str]
    """For a head that base models bring along: prefix of a tensor's name in their checkpoint to its
    prefix in the head.
    """

    def tie(self, embedding_weight: torch.Tensor) -> None:
        """Called once with the body's `embedding_VH`, before the first forward."""
        ...

    def __call__(
        self, hidden_BLH: torch.Tensor, batch: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """`(logits, loss_sum)`.

        `logits` has one entry for each feature along its first axis. `loss_sum` is a scalar: the
        *sum* over the batch's loss items (`n_items` of its features), or None if the batch has no
        labels. The loop divides it, so it does not matter how workers and micro-batches share a
        batch.
        """
        ...


class HeadFactory(Protocol):
    """The class `Head`."""

    def __call__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> FormatHead:
        """A new head, with weights drawn from torch's global generator."""
        ...


class Format(Protocol):
    """What every module of this package offers; all functions are pure."""

    Head: HeadFactory
    exported: Exported
    """The class of transformers that its trained heads are exported to."""

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
        included), `row` (index of the row in the split), `n_items` (number of terms in its loss, at
        least 0), `length` (tokens that are not padding, the sum of its `attention_mask`), and what
        the format adds. Of `hyper` only `max_length_tokens` and `doc_stride_tokens` are read.
        Raises `DataError`.
        """
        ...

    def collate(
        self, features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        """One batch: `input_ids_BL`, `attention_mask_BL`, the labels; only tensors, int64 (labels
        of a regression: float32).

        Padded on the right to the longest sequence, rounded up to a multiple of 8. Only the masks
        of the masked LM are drawn from `generator`; with None they depend on the features alone.
        """
        ...

    def predict(self, split: EncodedSplit, task: Task, predictor: Predictor) -> list[Any]:
        """What is kept of every feature of `split`, in order, on the first worker; the others get
        an empty list.

        Each prediction goes through `predictor.keep` as soon as it is made, and the result is kept
        instead. All workers of `predictor.world` call this together.
        """
        ...

    def decode(self, kept: list[Any], encoded: EncodedSplit, task: Task) -> Table:
        """The predictions table of one split, as development scores need it: `id`, `prediction`,
        `gold` and the statistics of every metric of the format.

        `kept` has one entry for each feature of `encoded`, in order. An entry may still have
        padding at its end; a format reads only the positions that its features name.
        """
        ...

    def tables(self, predicted: Mapping[str, ByUse], task: Task) -> dict[str, Table]:
        """Language to the table of its test rows, as an evaluation reports it.

        A `pooled` format gets all languages at once, any other one or more.
        """
        ...

    def readings(
        self, predicted: ByUse, task: Task, n_layers: int
    ) -> Iterator[tuple[dict[str, Any], ByUse]]:
        """The ways to read the predictions of one language, each in the form that `tables` gets.

        One item for each variant (such as a layer): what describes it, and its predictions. The
        task's own variant comes first.

        Most formats have one way, without names; a sweep of hidden states has one for each variant
        (`n_layers`: layers of the model).
        """
        ...


def get(name: str) -> Format:
    """The format called `name`; `InputError` if there is none."""
    import importlib

    if name not in NAMES:
        must = f"must be one of {', '.join(NAMES)}{nearest(name, NAMES)}"
        raise InputError(f'format is "{name}"; {must}')
    return cast(Format, importlib.import_module(f"xstilts.formats.{name}"))

"""All that is known of a format without torch, as one frozen value.

A *role* is a format's name for a column (`text`, `label`); a task's `columns` say which column of
the source it is. All code that reads, checks, counts, transforms, trains or scores the rows of a
task asks the task's `spec` and never compares its format's name. What a format *does* (encoding,
its head, predicting, decoding) is in `xstilts/formats/<name>.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xstilts.spec.format_specs.options import FormatOptions, stands_at_default

LabelKind = Literal["class", "number", "choice", "tags"]
"""What a row's label is: one of the task's labels, a number to be learned, the place of the right
choice, or one of the task's labels for each word.
"""


@dataclass(frozen=True, kw_only=True)
class FormatSpec:
    """One format. Its file sets only what differs from the defaults."""

    name: str
    """Also the name of its module in `xstilts/formats/`."""
    metrics: tuple[str, ...]
    """Metrics it computes; names in `xstilts.scoring.metrics.METRICS`."""
    options: type[FormatOptions] = FormatOptions
    """Class of a task's `options`."""

    # -- rows
    roles: tuple[str, ...]
    """All its roles, in the order of the columns of a table of rows."""
    optional_roles: tuple[str, ...] = ()
    """Roles that a task has only if its `columns` name them."""
    source_roles: tuple[str, ...] = ()
    """Roles that a task has only if its source has such a column."""
    either_role: tuple[str, str] | None = None
    """Two roles, of which every row must have at least one that is not empty."""
    label_role: str | None = None
    """Role that holds the label; None where rows have no label."""
    label_kind: LabelKind | None = None
    """What the label is."""
    open_labels: bool = False
    """Whether a sweep file may leave out the labels, which are then taken from the training rows.
    """
    from_questions: bool = False
    """Whether rows may also be made from questions about paragraphs (`sentences.py`)."""

    # -- texts
    text_roles: tuple[str, ...] = ()
    """Roles whose texts a transform rewrites; empty where there are no training rows."""
    row_roles: tuple[str, ...]
    """Roles that make up a whole row, to find copies of rows; tasks whose formats have the same
    roles here are compared row by row.
    """
    lone_roles: tuple[str, ...]
    """Roles whose texts are compared one by one, to find copies of a part of a row."""

    # -- sizes, for the estimate of a task without a card
    typical_characters: float
    """Mean characters of an input sequence."""
    typical_sequences: int = 1
    """Input sequences of a row."""
    windows: bool = False
    """Whether a row that is longer than the model's input is evaluated in several windows."""
    packed: bool = False
    """Whether short rows are packed into full inputs and long ones cut."""

    # -- training
    trained: bool = True
    """Whether it can be trained; otherwise it scores a checkpoint as it is."""
    language_model: bool = False
    """Whether it learns to model raw text: it may be a pretraining, its rows are not transformed,
    and beside other members of a mixture it does not count in the choice of the best weights.
    """
    continues_head: bool = False
    """Whether a training continues with the head of the checkpoint that it starts from, if any."""
    head_options: tuple[str, ...] = ()
    """Options that a head is built from; members with different values can't share a head."""
    whole_batches: bool = False
    """Whether the loss of a row depends on the other rows of its micro-batch, so that a micro-batch
    is neither cut into chunks nor divided among workers.
    """
    random_inputs: bool = False
    """Whether `collate` draws at random; it then draws for the batch of all workers together."""

    # -- evaluation
    tuned: bool = False
    """Whether an evaluation tunes something on the development rows of the same language."""
    pooled: bool = False
    """Whether the test rows of all languages are decoded together."""
    per_token: bool = False
    """Whether the head's output has one entry for each token, so that padding can be cut off."""
    batch_share: int = 1
    """A prediction batch has the usual number of tokens divided by this."""

    @property
    def labelled(self) -> bool:
        """Whether a head has one output for each of the task's labels."""
        return self.label_kind in ("class", "tags")

    def foreign(self, options: Mapping[str, Any]) -> list[str]:
        """Names, sorted, that are not options of this format. Options of the flat form that have
        their default don't count.
        """
        own = self.options.model_fields
        return sorted(
            name
            for name, value in options.items()
            if name not in own and not stands_at_default(name, value)
        )

    def no_option(self, name: str) -> str:
        """`layer is no option of span_qa; it reads ...`; `name` may have its path in front."""
        own = ", ".join(self.options.model_fields)
        return f"{name} is no option of {self.name}; it reads {own or 'none'}"

    def read_options(self, given: Mapping[str, Any]) -> FormatOptions:
        """Options of this format from some of them, or from the flat form.

        ValueError for a name that is no option of this format, unless the flat form has it and it
        is at its default there; pydantic's ValidationError, a ValueError too, for a wrong value.
        """
        foreign = self.foreign(given)
        if foreign:
            raise ValueError(self.no_option(", ".join(foreign)))
        own = self.options.model_fields
        return self.options.model_validate({k: v for k, v in given.items() if k in own})

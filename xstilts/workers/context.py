"""What a worker gets beside the spec, and what it reports."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from xstilts.spec.frozen import Frozen


class Context(Frozen):
    """What a worker needs beside the spec; not part of a phase's identity."""

    store: str
    """Folder of the store."""
    mirror: str | None = None
    """Folder with hub snapshots."""
    base: str = "."
    """Folder of the sweep file."""
    threads: int = 1
    """Torch threads of each worker."""
    partial_every_seconds: float = 60
    """Seconds between partial checkpoints."""
    gradient_checkpointing: bool = False
    """Whether the backward pass computes layers again, instead of keeping their outputs."""
    deadline_seconds: float = 0
    """Time without progress after which a phase counts as hanging; 0: none does."""
    halvings: int = 0
    """How often micro-batches are halved from the beginning, because phases like this one were
    short of memory.
    """


class Report(Frozen):
    """How far a phase is."""

    step: int
    """Updates done (languages done, in an evaluation)."""
    steps: int
    """Updates (languages) in all."""
    value: float | None = None
    """Development score in percent, at an evaluation; None: only progress."""
    loss: float | None = None
    """Training loss per item: the mean since the last point of the curve."""
    tokens_per_second: float | None = None
    """Tokens of real text, over all workers, since the last report."""
    examples_per_second: float | None = None
    """Rows that were predicted, over all workers, since the last report of an evaluation."""
    halvings: int = 0
    """How often micro-batches were halved so far, because memory was short."""
    doing: str = ""
    """What is done before the next step, where that may take long: `loading the model`. Such a
    report asks nothing; its answer is not looked at.
    """


class Answer(IntEnum):
    """What a phase is told at a report; a plain True says GO_ON, a plain False STOP. Of several
    workers' answers the lowest counts.
    """

    LEAVE = -1
    """Keep a partial checkpoint now, and end: the phase goes on elsewhere, or later."""
    STOP = 0
    """End: the phase is not wanted any more."""
    GO_ON = 1


Reporter = Callable[[Report], int]
"""Takes a report; returns an `Answer`."""

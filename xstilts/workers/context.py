"""What a worker is given beside the spec, and what it says while it works."""

from __future__ import annotations

from collections.abc import Callable

from xstilts.spec.frozen import Frozen


class Context(Frozen):
    """What a worker needs beside the spec; no part of a phase's identity."""

    store: str
    """Folder of the store."""
    mirror: str | None = None
    """Folder with hub snapshots."""
    base: str = "."
    """Folder of the sweep file."""
    threads: int = 1
    """Threads of torch in this worker."""
    partial_every_seconds: float = 60
    """A partial checkpoint each so many seconds."""
    gradient_checkpointing: bool = False
    """Layers are computed again in the backward pass instead of kept."""


class Report(Frozen):
    """Where a phase is."""

    step: int
    """Updates done (languages done, in an evaluation)."""
    steps: int
    """Updates (languages) in all."""
    value: float | None = None
    """Development score in percent, at an evaluation; else progress only."""
    loss: float | None = None
    """Training loss per item, mean since the last point of the curve."""
    tokens_per_second: float | None = None
    """Tokens of real text, over all workers, since the last report."""


Reporter = Callable[[Report], bool]

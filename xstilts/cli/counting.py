"""How far a verb is that goes through many things one by one: a bar on a terminal, else a line
every half minute. On standard error, and gone when the verb is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from xstilts.cli.console import console, say

QUIET_SECONDS = 30.0
"""Time between two lines, without a terminal."""
Tell = Callable[[int, int], None]
"""Takes how many are done, of how many."""


@contextmanager
def counting(what: str, shown: Console | None = None) -> Iterator[Tell]:
    """Shows how far it is; `what` is what is counted: `phases read`."""
    shown = shown or console(stderr=True)
    if not shown.is_terminal:
        yield _lines(what, shown)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        what,
        TimeRemainingColumn(),
        console=shown,
        transient=True,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _lines(what: str, shown: Console) -> Tell:
    last = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            say(shown, f"{done:,} of {of:,} {what}")

    return tell

"""A run with its progress on the terminal, for `xstilts run` and for jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from xstilts.cli.outcome import outcome

if TYPE_CHECKING:
    from xstilts.api.given import AnySweep


def run_shown(
    sweep: AnySweep,
    *,
    as_json: bool = False,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    remake: Sequence[str] = (),
) -> None:
    """Runs a sweep and prints how it went; ends the verb with the run's exit code."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows
        from xstilts.cli.console import console
        from xstilts.cli.progress import Progress

        with Progress(console=console(stderr=as_json)) as progress:
            ran = api.run(
                sweep,
                store=store,
                mirror=mirror,
                tracking=tracking,
                remake=remake,
                watch=progress.update,
                warn=progress.warn,
            )
        show(ran.to_json(), shows.run)
    raise typer.Exit(ran.exit_code)

"""How a verb ends that could not read everything: it has shown what it could, tells the rest, exits
with 1.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

_LINES = 40
"""Lines told; `--json` has all."""


def tell(unreadable: Sequence[Mapping[str, Any]], sweep: str, store: str | None) -> None:
    """Tells on standard error what could not be read, and what mends it. Raises `typer.Exit` with 1
    if there is anything.

    `sweep` and `store` as the user gave them, for the command.
    """
    if not unreadable:
        return
    from rich.text import Text

    from xstilts.cli.console import console, say

    out = console(stderr=True)
    for one in unreadable[:_LINES]:
        say(out, Text.assemble(("not readable: ", "bold red"), one["text"]))
    if (more := len(unreadable) - _LINES) > 0:
        say(out, f"not readable: {more:,} more; --json lists all", "bold red")
    if any(one["part"] for one in unreadable):
        say(out, f"`{_run(sweep, store)}` makes what is damaged again")
    raise typer.Exit(1)


def _run(sweep: str, store: str | None) -> str:
    """The command that mends; a run's folder is no sweep file."""
    words = [sweep if Path(sweep).is_file() else "SWEEP"]
    return shlex.join(["xstilts", "run", *words, *(["--store", store] if store else [])])

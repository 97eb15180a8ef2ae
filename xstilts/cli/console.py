"""The two ways to write to a terminal or a log: a paragraph, and a table.

Text is never wrapped and never read as markup, so that logs can be searched and a task's name may
have brackets. Where the output is not a terminal, tables are as wide as they need.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 200
"""Width where the output is not a terminal: wide enough for every table."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves a reader that has gone away to `net`, like everything that ends a verb."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Standard output, or standard error."""
    return _Console(stderr=stderr, highlight=False)


def say(console: Console, text: str | Text, style: str | None = None) -> None:
    """Prints a paragraph, without wrapping or markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def grid(console: Console, table: Table) -> None:
    """Prints a table; where the output is not a terminal, as wide as it needs."""
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def new_table(title: str, first: str, *others: str) -> Table:
    """A table whose first column is left-aligned, and all others right-aligned."""
    table = Table(
        first,
        *others,
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    return table

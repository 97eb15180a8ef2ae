"""The two ways to write on a terminal or into a log: a paragraph, and a table.

Text is never wrapped and never read as markup, so that a line of a log can be searched and a task
may have brackets in its name. Where the output is no terminal, tables are as wide as they need.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 200
"""Width where the output is no terminal: tables are not squeezed there."""


def console(*, stderr: bool = False) -> Console:
    """Standard output, or standard error."""
    return Console(stderr=stderr, highlight=False)


def say(console: Console, text: str | Text, style: str | None = None) -> None:
    """One paragraph, never wrapped, never read as markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def grid(console: Console, table: Table) -> None:
    """A table, as wide as it needs to be where nobody's window limits it."""
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def new_table(title: str, first: str, *others: str) -> Table:
    """A table with its first column to the left and all others to the right."""
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

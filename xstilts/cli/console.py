"""The two ways to write to a terminal or a log: a paragraph, and a table.

Text is never wrapped and never read as markup, so that logs can be searched and a task's name may
have brackets; control characters in it are shown and not obeyed. Where the output is not a
terminal, tables are as wide as they need.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from xstilts.errors import visible

WIDE = 200
"""Width where the output is not a terminal: wide enough for every table."""


_LAYOUT = "\n\t"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves a reader that has gone away to `net`, like everything that ends a verb."""
        raise BrokenPipeError


class _Table(Table):
    """A table that takes text for text: in rich's own, `[red]` in a cell is a colour."""

    def add_row(self, *cells: RenderableType | None, **how: Any) -> None:
        super().add_row(*(plain(one) if isinstance(one, str) else one for one in cells), **how)


def plain(text: str) -> Text:
    """Text as it is, for rich: not read as markup, and without what a terminal would obey."""
    return Text(visible(text, _LAYOUT))


def console(*, stderr: bool = False) -> Console:
    """Standard output, or standard error."""
    return _Console(stderr=stderr, highlight=False)


def say(console: Console, text: str | Text, style: str | None = None) -> None:
    """Prints a paragraph, without wrapping or markup."""
    shown = visible(text, _LAYOUT) if isinstance(text, str) else text
    console.print(shown, style=style, markup=False, highlight=False, soft_wrap=True)


def grid(console: Console, table: Table) -> None:
    """Prints a table; where the output is not a terminal, as wide as it needs."""
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def new_table(title: str, first: str, *others: str) -> Table:
    """A table whose first column is left-aligned, and all others right-aligned."""
    table = _Table(
        *(Column(plain(one)) for one in (first, *others)),
        title=plain(title),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    return table

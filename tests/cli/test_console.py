"""Paragraphs and tables in a log: nothing wrapped, nothing read as markup, nothing squeezed."""

from __future__ import annotations

from tests.support.printing import shown
from xstilts.cli.console import console, grid, new_table, say


def test_say_leaves_long_lines_and_brackets_as_they_are() -> None:
    text = f"[red]{'word ' * 60}[/red]"
    assert shown(say, text) == f"{text}\n"


def test_grid_in_a_log_is_as_wide_as_its_columns() -> None:
    table = new_table("title", "first", *(f"a column named {i}" for i in range(9)))
    table.add_row("row", *("0.5" for _ in range(9)))
    lines = shown(grid, table).splitlines()
    assert len(lines) == 3 and len(lines[1]) > 140


def test_table_has_names_to_the_left_and_numbers_to_the_right() -> None:
    table = new_table("title", "first", "second")
    table.add_row("a", "1")
    table.add_row("longer", "1,000")
    assert [line.rstrip() for line in shown(grid, table).splitlines()[2:]] == [
        "a            1",
        "longer   1,000",
    ]


def test_console_writes_to_the_stream_it_is_asked_for() -> None:
    assert (console().stderr, console(stderr=True).stderr) == (False, True)


def test_table_shows_brackets_and_control_characters_and_obeys_neither() -> None:
    table = new_table("[bold]title", "[red]first", "\x1b[31msecond")
    table.add_row("[red]a[/red]", "\x1b]0;x\x07", style="bold")
    text = shown(grid, table)
    for part in ("[bold]title", "[red]first", "\\x1b[31msecond", "[red]a[/red]", "\\x1b]0;x\\x07"):
        assert part in text
    assert "\x1b" not in text


def test_say_shows_control_characters_and_keeps_lines() -> None:
    assert shown(say, "a\x1b[2Jb\r\nc\u202ed") == "a\\x1b[2Jb\\r\nc\\u202ed\n"

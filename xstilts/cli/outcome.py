"""How a verb ends: its value as text or JSON, its errors, its exit code.

With `--json` exactly one JSON value goes to standard output, also for an error; everything else
goes to standard error. Exit codes:

    0     success
    1     a phase failed, or the store, the engine or the tracking server did
    2     something the user gave is wrong; nothing was started
    130   interrupted by Ctrl-C

Nothing heavy is imported before there is something to print.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

AsText = Callable[["Console", dict[str, Any]], None]
"""Prints a verb's value as text."""
Show = Callable[[dict[str, Any], AsText], None]
"""Prints a verb's value as the user asked for it."""


@contextmanager
def outcome(as_json: bool) -> Iterator[Show]:
    """Runs a verb in a `with` block: yields the function that shows its value, and turns errors
    into exit codes.
    """
    from xstilts.errors import InputError, XstiltsError

    def show(data: dict[str, Any], as_text: AsText) -> None:
        if as_json:
            print_json(data)
        else:
            from xstilts.cli.console import console

            as_text(console(), data)

    try:
        yield show
    except XstiltsError as error:
        _print_error(error, as_json)
        raise typer.Exit(2 if isinstance(error, InputError) else 1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def _print_error(error: Exception, as_json: bool) -> None:
    from xstilts.cli.console import console
    from xstilts.cli.errors import error_value, print_error

    if as_json:
        print_json({"error": error_value(error)})
    print_error(console(stderr=True), error)

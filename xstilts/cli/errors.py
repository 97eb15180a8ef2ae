"""An xstilts error as text, as a value for `--json`, and its exit code."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from xstilts.cli.console import say
from xstilts.errors import InputError, Problem, SweepError


def print_error(console: Console, what: Exception) -> None:
    """Prints an error, each problem on its own line."""
    problems = what.problems if isinstance(what, SweepError) else (Problem(message=str(what)),)
    for problem in problems:
        where = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
        head = f"{where}: " if where else "error: "
        say(console, Text.assemble((head, "bold red" if not where else "bold"), problem.message))
    if isinstance(what, SweepError) and len(problems) > 1:
        say(console, f"{len(problems)} problems; nothing was started", "red")


def error_value(what: Exception) -> dict[str, Any]:
    """The error as `--json` prints it."""
    value: dict[str, Any] = {
        "kind": type(what).__name__,
        "message": str(what),
        "input": isinstance(what, InputError),
    }
    if isinstance(what, SweepError):
        value["problems"] = [
            {"file": p.file, "line": p.line, "message": p.message} for p in what.problems
        ]
    return value


def exit_code(what: Exception) -> int:
    """2 where something the user gave is wrong, else 1."""
    return 2 if isinstance(what, InputError) else 1

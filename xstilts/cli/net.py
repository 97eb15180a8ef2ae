"""The net under all verbs: whatever ends one becomes one message and an exit code (`outcome`).

No verb catches anything itself. An error that xstilts raises on purpose is told as it is. What the
machine refuses (a full disk, a folder without permission, too little memory) is one line. Anything
else is a bug in xstilts and says so. The last two leave a log with the traceback, and the message
says where.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from xstilts.cli.outcome import print_json
from xstilts.driver.signals import Terminated, as_interrupts, number_of
from xstilts.errors import XstiltsError

PIPE_CLOSED = 141


class Net(TyperGroup):
    """The group of all verbs."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs the command line; the context carries its words, for a message about them."""
        given = list(sys.argv[1:] if args is None else args)
        return super().main(given, *rest, obj=given, **extra)

    def make_context(self, *given: Any, **extra: Any) -> Any:
        """The context of the words before the verb; what is wrong with them is told as `invoke`
        does.
        """
        words = extra.get("obj") or []
        try:
            return super().make_context(*given, **extra)
        except typer.TyperException as error:
            if "--json" not in words:
                raise
            raise typer.Exit(self._ended(error, words)) from error

    def invoke(self, ctx: Any) -> Any:
        """Runs a verb; raises `typer.Exit` with the exit code where it does not succeed."""
        for stream in (sys.stdout, sys.stderr):
            _escape_what_cannot_be_shown(stream)
        try:
            try:
                with as_interrupts():
                    return super().invoke(ctx)
            finally:
                if sys.stdout is not None:  # closed by the caller
                    sys.stdout.flush()
        except (typer.Exit, SystemExit):
            raise
        except BrokenPipeError as error:
            code = PIPE_CLOSED if _reader_is_gone() else self._ended(error, ctx.obj)
        except (Exception, KeyboardInterrupt) as error:
            code = self._ended(error, ctx.obj)
        raise typer.Exit(code)

    def _ended(self, error: BaseException, given: Sequence[str]) -> int:
        """Tells how a verb ended; returns the exit code."""
        from xstilts.cli.console import console, say
        from xstilts.cli.errors import error_value, exit_code, print_error

        if isinstance(error, XstiltsError):
            ending = Ending(error_value(error), exit_code(error))
        elif isinstance(error, typer.TyperException):
            value = {"kind": type(error).__name__, "message": error.format_message()}
            ending = Ending({**value, "input": True}, error.exit_code)
        elif isinstance(error, KeyboardInterrupt | typer.Abort):
            by = f" by {error}" if isinstance(error, Terminated) else ""
            value = {"kind": "Interrupted", "message": f"interrupted{by}"}
            ending = Ending(value, 128 + number_of(error))
        else:
            ending = self._unforeseen(error, given)
        if "--json" in given:
            with suppress(OSError, ValueError, AttributeError):  # nowhere to print it
                print_json({"error": ending.value})
        if isinstance(error, XstiltsError):
            print_error(console(stderr=True), error)
        elif isinstance(error, typer.TyperException) and hasattr(error, "show"):
            error.show()
        else:
            say(console(stderr=True), f"error: {ending.value['message']}", "bold red")
        return ending.code

    def _unforeseen(self, error: BaseException, given: Sequence[str]) -> Ending:
        """An error that nobody raised on purpose, with its log."""
        from xstilts.cli.crash_log import described, without_secrets, write

        verb = next((word for word in given if word in self.commands), "xstilts")
        log = write(error, given, self._store(given))
        where = f"the log is {log}" if log else "no log could be written"
        bug = not isinstance(error, OSError | MemoryError)
        what = without_secrets(described(error))
        message = (
            f"this is a bug in xstilts: `{verb}` ended with {what}; {where}: please report it "
            "together with the log"
            if bug
            else f"`{verb}` ended because the machine refused something: {what}; {where}"
        )
        value = {"kind": type(error).__name__, "message": message, "input": False}
        return Ending({**value, "bug": bug, "log": str(log) if log else None}, 1)

    def _store(self, given: Sequence[str]) -> Path | None:
        """The store that a verb was about, where that can still be found out."""
        from xstilts.api.given import folder_of
        from xstilts.spec.addresses import is_address
        from xstilts.store.phases import Store

        with suppress(Exception):
            verb, *words = given
            context = self.commands[verb].make_context(verb, words, resilient_parsing=True)
            places = {name: context.params.get(name) for name in ("store", "mirror", "tracking")}
            if context.params.get("sweep"):
                return folder_of(context.params["sweep"], **places, fresh=False).store.path
            if places["store"] and is_address(places["store"]):
                return Store(places["store"]).path
            return Path(places["store"]) if places["store"] else None
        return None


class Ending(NamedTuple):
    """How a verb ended without success."""

    value: dict[str, Any]
    """What `--json` prints under `error`."""
    code: int


def _escape_what_cannot_be_shown(stream: Any) -> None:
    """A name that the terminal's encoding lacks is shown with escapes, and never ends a verb."""
    if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _reader_is_gone() -> bool:
    """Whether nobody reads the output any more (`| head`); what is left goes nowhere then, so that
    the interpreter's own flush at its end is quiet.
    """
    gone = [stream for stream in (sys.stdout, sys.stderr) if _is_gone(stream)]
    for stream in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(gone)


def _is_gone(stream: Any) -> bool:
    """Whether the other end of a pipe is closed."""
    asked = select.poll()
    with suppress(OSError, ValueError):  # not a file
        asked.register(stream.fileno(), 0)
        return any(state & (select.POLLERR | select.POLLHUP) for _, state in asked.poll(0))
    return False

"""How a verb ends: its value as text or JSON, and the exit code.

With `--json` exactly one JSON value goes to standard output, also for an error; everything else,
and whatever a library prints, goes to standard error. Errors are told by `net`. Exit codes:

    0     success
    1     a phase failed, or the store, the engine or the tracking server did; the machine refused
          something (a full disk, a missing permission, too little memory); or a bug in xstilts,
          which the message says, with the place of a log
    2     something the user gave is wrong (options, sweep file, data, models); nothing was started
    129   interrupted by SIGHUP (its terminal was closed)
    130   interrupted by Ctrl-C
    141   who read the output has gone away (`xstilts scores SWEEP | head`)
    143   interrupted by SIGTERM (a batch system, `kill`)

Nothing heavy is imported before there is something to print.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

AsText = Callable[["Console", Any], None]
"""Prints a verb's value as text."""
Show = Callable[[Any, AsText], None]
"""Takes a verb's value, to be printed as the user asked for it."""


@contextmanager
def outcome(as_json: bool) -> Iterator[Show]:
    """Runs a verb in a `with` block, which gives its value to the function that is yielded; prints
    the value at the end of the block.

    With `as_json`, standard output is kept for that one value: whatever else is printed in the
    block, by this process or one that it starts, goes to standard error.
    """
    shown: list[tuple[Any, AsText]] = []
    with _kept_for_the_value() if as_json else nullcontext():
        yield lambda data, as_text: shown.append((data, as_text))
    for data, as_text in shown:
        if as_json:
            print_json(data)
        else:
            from xstilts.cli.console import console

            as_text(console(), data)


def print_json(value: Any) -> None:
    """One JSON value on standard output: numbers that JSON lacks are null, and what the output's
    encoding lacks is escaped. OSError where there is no output.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    plain = _plain(value)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """A value of the types that JSON has."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return str(value)


@contextmanager
def _kept_for_the_value() -> Iterator[None]:
    """Sends what is printed to standard error, also by C libraries and other processes."""
    with redirect_stdout(sys.stderr):
        try:
            out, err = sys.__stdout__.fileno(), sys.__stderr__.fileno()  # type: ignore[union-attr]
            kept = os.dup(out)
        except (AttributeError, OSError, ValueError):  # closed, or not a file
            yield
            return
        os.dup2(err, out)
        try:
            yield
        finally:
            with suppress(OSError, ValueError):
                sys.__stdout__.flush()  # type: ignore[union-attr]
            os.dup2(kept, out)
            os.close(kept)

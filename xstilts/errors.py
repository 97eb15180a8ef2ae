"""Every error xstilts raises on purpose.

    XstiltsError
    ├── InputError        something the user gave is wrong; the command line exits with 2
    │   ├── SweepError    the sweep file: one or more problems, each with file and line
    │   └── DataError     a dataset, a model or a mirror is missing, or is not what its task says
    ├── StoreError        the store cannot be read or written
    │   ├── StoreAway     an object store gives no answer, and was waited for
    │   ├── CorruptError  a record, a checkpoint or another file in it is damaged
    │   ├── LeaseHeld     another process works on this sweep or phase
    │   └── LeaseLost     this process no longer has the right to: another has taken over
    ├── PhaseError        a phase failed while it ran
    ├── EngineError       Ray is not as the engine needs it
    └── TrackingError     the tracking server refused or can't be reached

A message says where, what it is, what it must be, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class XstiltsError(Exception):
    """Root of the tree."""


class InputError(XstiltsError):
    """Something the user gave is wrong; nothing was started."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake: `file:line: message`."""

    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{where}: {self.message}" if where else self.message


class SweepError(InputError):
    """Everything that is wrong with a sweep, collected."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(InputError):
    """A dataset, a model or a mirror is missing, or is not what its task says."""


class StoreError(XstiltsError):
    """The store cannot be read or written."""


class StoreAway(StoreError):
    """An object store gives no answer, and was waited for: what is kept there stays as it is."""


class CorruptError(StoreError):
    """A record, a checkpoint or other files of the store are damaged."""

    def __init__(self, message: str, phase: str = "") -> None:
        """`phase`: id of the phase whose files they are, where they are a phase's."""
        super().__init__(message)
        self.phase = phase


class LeaseHeld(StoreError):
    """Another process works on this sweep or phase, or may."""

    def __init__(self, message: str, watched: float = 0.0) -> None:
        """`watched`: seconds after which it is known whether one does; 0 where one does."""
        super().__init__(message)
        self.watched = watched


class LeaseLost(StoreError):
    """This process no longer has the right to work on a sweep or phase: another took it over."""


class PhaseError(XstiltsError):
    """A phase failed while it ran."""


class EngineError(XstiltsError):
    """Ray is not as the engine needs it."""


class TrackingError(XstiltsError):
    """The tracking server refused or can't be reached."""


def first_line(said: BaseException | str, longest: int | None = None) -> str:
    """The first line of an error or a text, cut to `longest` characters; an error without a text
    gives the name of its class.
    """
    lines = str(said).strip().splitlines()
    if lines:
        return lines[0][:longest]
    return "" if isinstance(said, str) else type(said).__name__


def visible(text: str, keep: str = "") -> str:
    """A text from others for a message: what a terminal would obey or not show (control characters,
    marks that change the direction of writing) is written as its code, except those in `keep`.
    """
    return "".join(one if one.isprintable() or one in keep else ascii(one)[1:-1] for one in text)


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; nearest: a, b, c`: the valid names that begin with `name` or are most like it. Where there
    are none, all valid names if they are few.
    """
    names = sorted(set(valid))
    close = [one for one in names if len(name) > 2 and one.startswith(name)]
    close += difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"; nearest: {', '.join(list(dict.fromkeys(close))[:3])}"
    return f"; there are: {', '.join(names)}" if 0 < len(names) <= 15 else ""

"""What `xstilts init` asks where flags are missing, and how its flags are read.

Questions are asked only on a terminal. An empty answer takes what stands in brackets; a wrong one
is told and asked again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from xstilts.errors import InputError, nearest

Prompt = Callable[..., Any]


@dataclass(frozen=True)
class Answers:
    """Models, intermediates and targets; an empty list where nothing was said."""

    models: list[str]
    intermediates: list[str]
    targets: list[str]


def on_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(
    given: Answers,
    file: str,
    own: Mapping[str, str],
    *,
    force: bool,
    prompt: Prompt = typer.prompt,
    say: Callable[[str], None] = typer.echo,
) -> Answers:
    """Asks for what was not given; InputError where the file must not be written."""
    from xstilts.api import drafts
    from xstilts.sweep_file import draft

    drafts.require_free(Path(file), force=force)
    own_names = list(own)
    targets = given.targets or (
        []
        if own
        else _asked("Targets", "xnli, tatoeba", {*draft.targets(), *own_names}, prompt, say)
    )
    generated = bool(targets) and all(one.startswith("gen-") for one in targets)
    intermediates = given.intermediates or _asked(
        "Intermediates",
        "gen-more" if generated else drafts.INTERMEDIATE,
        {*draft.intermediates(), *own_names, "none"},
        prompt,
        say,
    )
    usual = draft.GENERATOR if generated else drafts.MODEL
    models = given.models or _asked("Base models", usual, None, prompt, say)
    return Answers(models, intermediates, targets)


def _asked(
    what: str,
    usual: str,
    known: Collection[str] | None,
    prompt: Prompt,
    say: Callable[[str], None],
) -> list[str]:
    """A list of names, asked until all are known."""
    while True:
        names = listed(str(prompt(f"{what}, separated by commas", default=usual)))
        wrong = [one for one in names if known is not None and one not in known]
        if names and not wrong:
            return list(dict.fromkeys(names))
        for one in wrong:
            say(f"{one} can't be one{nearest(one, known or ())}; `xstilts tasks` lists all tasks")


# -- flags


def listed(text: str | None) -> list[str]:
    """`a, b` as a list; empty for nothing."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def pairs(flag: str, texts: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; InputError for another form, or a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise InputError(f"{flag} is {text}; must be NAME=VALUE")
        if name.strip() in found:
            raise InputError(f"{flag} has {name.strip()} twice; keep one")
        found[name.strip()] = value.strip()
    return found


def columns(text: str | None) -> dict[str, str]:
    """`ROLE=COLUMN,...` as a mapping; a role may have several columns: `choices=a,b,label=c`."""
    whole: list[str] = []
    for part in listed(text):
        if "=" in part or not whole:
            whole.append(part)
        else:
            whole[-1] += f",{part}"
    return pairs("--columns", whole)


def numbers(flag: str, text: str) -> list[int]:
    """`1,2,3` as numbers; InputError for anything else."""
    try:
        found = [int(part) for part in listed(text)]
    except ValueError:
        found = []
    if not found:
        raise InputError(f"{flag} is {text}; must be whole numbers, as 1,2,3")
    return found


def amounts(flag: str, text: str | None) -> list[float]:
    """`3.2,0.8` as numbers; empty for nothing; InputError for anything else."""
    try:
        return [float(part) for part in listed(text)]
    except ValueError:
        raise InputError(f"{flag} is {text}; must be numbers, as 3.2,0.8") from None

"""Paths and patterns of the user's own files, as a sweep file writes them.

In a pattern, `*` stands for any text within a name, `?` for one character, `**` for any folders;
`{language}` for the source's word for a language and `{split}` for the name of a split. Everything
else, brackets too, stands for itself, and so do the folder of the sweep file, the home folder and
the word for the language, whatever they hold. A pattern that is the path of a file is this file.
Directly before a `*` or `?`, the name of a split ends where letters and digits end.
"""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import DataError

_PARTS = re.compile(r"(\{language\}|\{split\}|(?:(?<=/)|^)\*\*/|\*+|\?)")
_SPLIT = "(?P<split>[^/]+?)"


@dataclass(frozen=True, kw_only=True)
class Match:
    """A file that a pattern matches."""

    path: Path
    split: str | None
    """What stands for `{split}` in its path; None where the pattern has none."""


def matches(pattern: str, word: str, base: str) -> list[Match]:
    """The files that a pattern matches, sorted by path; `word` is the source's own for the
    language, and relative paths start in the folder `base`.

    Raises DataError for a folder, and for a link to a file that is gone.
    """
    folder, pattern = _from_home(pattern, base)
    literal = os.path.join(folder, pattern.replace("{language}", word))
    if os.path.isfile(literal):
        return [Match(path=Path(literal), split=None)]
    if os.path.isdir(literal):
        raise DataError(f"files {pattern}: is a folder; name its files, as `{pattern}/*.jsonl`")
    wild = os.path.join(glob.escape(folder), _glob(pattern, word))
    found = []
    for name in sorted(glob.glob(wild, recursive=True)):
        if os.path.islink(name) and not os.path.exists(name):
            raise DataError(f"files {pattern}: {name} is a link to a file that is not there")
        if os.path.isfile(name):
            found.append(Match(path=Path(name), split=_split_in(name, pattern, word)))
    return [one for one in found if one.split is not None or "{split}" not in pattern]


def _from_home(pattern: str, base: str) -> tuple[str, str]:
    """The folder in which a pattern starts, and the rest of it."""
    home, _, rest = pattern.partition("/")
    if not home.startswith("~") or os.path.expanduser(home) == home:
        return base, pattern
    return os.path.expanduser(home), rest


def _glob(pattern: str, word: str) -> str:
    """A pattern as Python's glob understands it."""
    words = {"{language}": glob.escape(word), "{split}": "*"}
    return "".join(
        words.get(part, part if part.startswith(("*", "?")) else glob.escape(part))
        for part in _PARTS.split(pattern)
    )


def _split_in(name: str, pattern: str, word: str) -> str | None:
    """What stands for `{split}` in the path of a file that the pattern may match."""
    while pattern.startswith(("../", "./", "/")):
        pattern = pattern.partition("/")[2]
    words = {"{language}": re.escape(word), "{split}": _SPLIT, "**/": "(?:[^/]+/)*", "?": "[^/]"}
    parts = [
        words.get(part, "[^/]*" if part.startswith("*") else re.escape(part))
        for part in _PARTS.split(os.path.normpath(pattern))
    ]
    whole = "".join(parts).replace(f"{_SPLIT}[^/]", rf"{_SPLIT}(?![^\W_])[^/]")
    head, mark, rest = whole.partition(_SPLIT)
    found = re.fullmatch(
        "(?s:.*/)?" + head + mark + rest.replace(_SPLIT, "(?P=split)"), os.path.normpath(name)
    )
    return found["split"] if found and mark else None

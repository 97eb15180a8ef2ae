"""YAML 1.2 text -> plain values, with the line of each value and every mistake of form.

ruamel.yaml parses; this module gives plain scalars their meaning by the core schema of YAML 1.2.2
(section 10.3.2): `2e-5` is a number, `no` and `2024-01-01` are text, `010` is 10. Left out on
purpose: infinities, NaN, whole numbers of more than 18 digits (a sweep does not need them, so they
are text and fail their type), and anchors, aliases, merge keys, tags and several documents (each
value is written where it is used). A key that stands twice is a mistake, not an override. A text
that is deeper or longer than a sweep can be is refused before anything is built of it.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.errors import Problem, SweepError, first_line, visible
from xstilts.sweep_file.text import read_text

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top to a value."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MOST_DIGITS = 18
"""Digits of a whole number: more don't fit in 64 bits. A number of more characters than
`_LONGEST_NUMBER` is not looked at.
"""
_LONGEST_NUMBER = 100
DEEPEST = 30
"""Lists and mappings inside one another; the deepest place of a sweep is about ten deep."""
MOST_VALUES = 10_000
"""Keys and values of a file, read in a second or two; the longest sweep file that comes with
xstilts has 400.
"""
MOST_PROBLEMS = 100
"""Problems that are told of one file."""
_LONGEST_MESSAGE = 1000
_OWN_TAGS = "tag:yaml.org,2002:"


@dataclass(kw_only=True)
class Document:
    """A file's values, their lines, and the problems found so far."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """Line, from 1, of each key and list item."""
    problems: list[Problem] = field(default_factory=list)
    unreadable: bool = False
    """Whether it has no values, for what is wrong with its form."""
    given: set[Path] = field(default_factory=set)
    """Paths whose values came from arguments, not from the file."""

    def line(self, path: Path) -> int | None:
        """Line of the value at `path`, or of the innermost value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def complain(self, path: Path, message: str) -> None:
        """Notes a problem with the value at `path`. Raises SweepError where that makes too many:
        nobody reads more, and each costs time.
        """
        message = visible(message)
        if len(message) > _LONGEST_MESSAGE:
            message = message[:_LONGEST_MESSAGE] + " ..."
        if any(path[:end] in self.given for end in range(1, len(path) + 1)):
            self.problems.append(Problem(message=message, file="argument"))
            return
        self.problems.append(Problem(message=message, file=self.file, line=self.line(path)))
        if len(self.problems) >= MOST_PROBLEMS:
            more = f"these are the first {MOST_PROBLEMS} problems; mend them, then look again"
            told = sorted(self.problems, key=lambda problem: problem.line or 0)
            raise SweepError([*told, Problem(message=more, file=self.file)])

    def replace(self, path: Path, value: Any) -> None:
        """Puts an argument's value at a path of keys; makes missing mappings on the way."""
        if not isinstance(self.data, dict):
            self.data = {}
        at = self.data
        for key in path[:-1]:
            if not isinstance(at.get(key), dict):
                at[key] = {}
            at = at[key]
        at[path[-1]] = value
        self.given.add(path)


def path_text(path: Path) -> str:
    """`models[0].config.hidden_size`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")


def parse(text: str, file: str) -> Document:
    """Reads one YAML document. Never raises on bad text: see `Document.problems`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    document = Document(file=file)
    try:
        events = YAML(typ="safe", pure=True).parse(io.StringIO(text))
        document.data = _Builder(document, events).built()
        return document
    except _NoSweep as error:
        message, line = str(error), error.line
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        message, line = f"not YAML: {message}", mark.line + 1 if mark else 1
    except (YAMLError, ValueError) as error:
        message, line = f"not YAML: {first_line(error)}", 1
    document.problems = [Problem(message=message, file=file, line=line)]
    document.unreadable = True
    return document


def line_in(file: str | None, path: Path) -> int | None:
    """Line, from 1, of the value at `path` in a sweep file, or of the innermost value around it;
    None where there is no such file.
    """
    try:
        return parse(read_text(file or ""), str(file)).line(path)
    except SweepError:
        return None


class _NoSweep(Exception):
    """A text that is YAML, but not what a sweep can be."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Builder:
    """Turns ruamel's events into values, noting lines and mistakes.

    What stands for more than can be built (depth, length, values that are written once and used
    many times) is refused at the first sign of it.
    """

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document, self.events = document, events
        self.values = 0

    def built(self) -> Any:
        """The value of the text; None where it has none."""
        from ruamel.yaml.events import DocumentStartEvent

        next(self.events)  # the start of the stream
        if not isinstance(next(self.events), DocumentStartEvent):
            return None
        value = self._value(next(self.events), (), 0)
        next(self.events)  # the end of the document
        if isinstance(event := next(self.events), DocumentStartEvent):
            several = "not YAML that a sweep can be: several documents (`---`); keep one"
            raise _NoSweep(several, event.start_mark.line + 1)
        return value

    def _value(self, event: Any, path: Path, depth: int) -> Any:
        from ruamel.yaml.events import MappingStartEvent, SequenceStartEvent

        line = event.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        self._require_few(event, depth, line)
        tag = str(event.tag or "!")
        if tag != "!" and not tag.startswith(_OWN_TAGS):
            self._problem(line, f"tag {tag} is not used here; write a plain value")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, depth + 1)
        if isinstance(event, SequenceStartEvent):
            return self._list(path, depth + 1)
        return _scalar(event.value) if event.style is None else event.value

    def _require_few(self, event: Any, depth: int, line: int) -> None:
        self.values += 1
        if event.anchor is not None:
            raise _NoSweep(
                "anchors and aliases (& and *) are not used here; write the value out", line
            )
        if depth > DEEPEST:
            raise _NoSweep(
                f"lists or mappings lie more than {DEEPEST} deep inside one another", line
            )
        if self.values > MOST_VALUES:
            raise _NoSweep(
                f"has more than {MOST_VALUES:,} keys and values, the most of a sweep file", line
            )

    def _items(self) -> Iterator[Any]:
        """The events that begin what is inside a list or a mapping, up to its end."""
        from ruamel.yaml.events import CollectionEndEvent

        while not isinstance(event := next(self.events), CollectionEndEvent):
            yield event

    def _list(self, path: Path, depth: int) -> list[Any]:
        return [self._item(event, (*path, i), depth) for i, event in enumerate(self._items())]

    def _item(self, event: Any, path: Path, depth: int) -> Any:
        self.document.lines[path] = event.start_mark.line + 1
        return self._value(event, path, depth)

    def _mapping(self, path: Path, depth: int) -> Mapping[str, Any]:
        from ruamel.yaml.events import ScalarEvent

        values: dict[str, Any] = {}
        for event in self._items():
            line = event.start_mark.line + 1
            if not isinstance(event, ScalarEvent):
                self._problem(line, "a key must be plain text")
                self._value(event, (*path, "?"), depth)
                self._value(next(self.events), (*path, "?"), depth)
                continue
            self._require_few(event, depth, line)
            here = (*path, event.value)
            if event.value in values:
                first = self.document.lines[here]
                self._problem(
                    line, f'"{path_text(here)}" stands twice (first in line {first}); keep one'
                )
                self._value(next(self.events), (*here, "?"), depth)
                continue
            self.document.lines[here] = line
            values[event.value] = self._value(next(self.events), here, depth)
        return values

    def _problem(self, line: int, message: str) -> None:
        if len(self.document.problems) < MOST_PROBLEMS:
            problem = Problem(message=visible(message), file=self.document.file, line=line)
            self.document.problems.append(problem)


def _scalar(text: str) -> Any:
    """A plain scalar by the core schema."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text) or _RADIX.fullmatch(text):
        whole = int(text, 0 if text.startswith("0") and not text.isdigit() else 10)
        return whole if abs(whole) < 10**MOST_DIGITS else text
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def too_large(value: Any) -> str:
    """Why a text that is a number of the core schema was not read as one; empty for any other
    value.
    """
    if not isinstance(value, str):
        return ""
    if len(value) > MOST_DIGITS and (_INT.fullmatch(value) or _RADIX.fullmatch(value)):
        return f"whole numbers have at most {MOST_DIGITS} digits"
    return (
        "numbers are below 1.8e308" if _FLOAT.fullmatch(value) and math.isinf(float(value)) else ""
    )

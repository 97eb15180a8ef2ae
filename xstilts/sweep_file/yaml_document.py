"""YAML 1.2 text -> plain values, with the line of each value and every mistake of form.

ruamel.yaml parses; this module gives plain scalars their meaning by the core schema of YAML 1.2.2
(section 10.3.2): `2e-5` is a number, `no` and `2024-01-01` are text, `010` is 10. Left out on
purpose: infinities, NaN and numbers of more than 100 characters (a sweep does not need them, so
they are text and fail their type), and anchors, aliases, merge keys, tags and several documents
(each value is written where it is used). A key that stands twice is a mistake, not an override.
"""

from __future__ import annotations

import io
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.errors import Problem, first_line

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top to a value."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 100
"""Characters; what is longer is text."""
_OWN_TAGS = "tag:yaml.org,2002:"


@dataclass(kw_only=True)
class Document:
    """A file's values, their lines, and the problems found so far."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """Line, from 1, of each key and list item."""
    problems: list[Problem] = field(default_factory=list)
    given: set[Path] = field(default_factory=set)
    """Paths whose values came from arguments, not from the file."""

    def line(self, path: Path) -> int | None:
        """Line of the value at `path`, or of the innermost value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def complain(self, path: Path, message: str) -> None:
        """Notes a problem with the value at `path`."""
        if any(path[:end] in self.given for end in range(1, len(path) + 1)):
            self.problems.append(Problem(message=message, file="argument"))
            return
        self.problems.append(Problem(message=message, file=self.file, line=self.line(path)))

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
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(io.StringIO(text))
        document.data = None if node is None else _Builder(document).build(node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part) or "not YAML"
        line = None if mark is None else mark.line + 1
        document.problems.append(Problem(message=f"not YAML: {message}", file=file, line=line))
    except YAMLError as error:
        document.problems.append(Problem(message=f"not YAML: {first_line(error)}", file=file))
    except RecursionError:
        message = "not YAML that a sweep can be: lists or mappings inside one another too deeply"
        document.problems.append(Problem(message=message, file=file))
    return document


def line_in(file: str | None, path: Path) -> int | None:
    """Line, from 1, of the value at `path` in a sweep file, or of the innermost value around it;
    None where there is no such file.
    """
    try:
        text = pathlib.Path(file or "").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return parse(text, str(file)).line(path)


class _Builder:
    """Turns ruamel's nodes into values, noting lines and mistakes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.built: dict[int, Any] = {}

    def build(self, node: Any, path: Path) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        if id(node) in self.built:
            return self.built[id(node)]
        self.built[id(node)] = None
        if node.anchor is not None:
            self._problem(
                line, "anchors and aliases (& and *) are not used here; write the value out"
            )
        tag = str(node.tag or "")
        if not tag.startswith(_OWN_TAGS):
            self._problem(line, f"tag {tag} is not used here; write a plain value")
        if isinstance(node, MappingNode):
            value: Any = self._mapping(node, path)
        elif isinstance(node, SequenceNode):
            value = [self._item(item, (*path, i)) for i, item in enumerate(node.value)]
        else:
            value = _scalar(node.value) if node.style is None else node.value
        self.built[id(node)] = value
        return value

    def _item(self, node: Any, path: Path) -> Any:
        self.document.lines[path] = node.start_mark.line + 1
        return self.build(node, path)

    def _mapping(self, node: Any, path: Path) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                self._problem(line, "a key must be plain text")
                continue
            here = (*path, key)
            if key in values:
                first = self.document.lines[here]
                self._problem(
                    line, f'"{path_text(here)}" stands twice (first in line {first}); keep one'
                )
                continue
            self.document.lines[here] = line
            values[key] = self.build(value_node, here)
        return values

    def _problem(self, line: int, message: str) -> None:
        self.document.problems.append(Problem(message=message, file=self.document.file, line=line))


def _scalar(text: str) -> Any:
    """A plain scalar by the core schema."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text

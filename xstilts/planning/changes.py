"""Which recorded phase is most like a new one, and in what they differ, in a sweep file's words.

Phases are compared by the leaves of their payloads (`spec.phase`): what is not in a payload decides
no id. Only phases of the same action on tasks of the same names are compared. The nearest has the
fewest leaves that differ; of equals, the one that starts from the wanted parent, then the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from xstilts.spec.digests import canonical_json
from xstilts.spec.stages import PhaseKind

PARENT = "parent.phase"
_ABSENT = "absent"
Group = tuple[str, tuple[str, ...]]
"""Action and names of the tasks."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A phase that has a record."""

    id: str
    names: tuple[str, ...]
    """Its tasks."""
    payload: Mapping[str, Any]

    @property
    def parent(self) -> str:
        """Id of the phase that it starts from; empty for a base model."""
        return str(self.payload.get("parent", {}).get("phase", ""))


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing in which a new phase differs from a recorded one."""

    field: str
    """As a sweep file has it, `target.lr`."""
    old: Any
    new: Any
    said: str
    """The change in words."""


class Index:
    """All recorded phases, ready to be compared with many new ones."""

    def __init__(self, recorded: Iterable[Recorded]) -> None:
        groups: dict[Group, list[Recorded]] = {}
        for one in recorded:
            groups.setdefault((str(one.payload.get("action")), one.names), []).append(one)
        self._groups = {group: _Table(members) for group, members in groups.items()}

    def nearest(
        self, payload: Mapping[str, Any], names: Sequence[str], parent: str
    ) -> Recorded | None:
        """The recorded phase that is most like `payload`; None where no phase has its action and
        tasks. `parent` is the phase that is wanted as its parent among equals.
        """
        table = self._groups.get((str(payload.get("action")), tuple(names)))
        return table.nearest(payload, parent) if table else None


class _Table:
    """Phases as rows, the leaves of their payloads as columns of numbers that stand for values."""

    def __init__(self, members: list[Recorded]) -> None:
        self.members = members
        rows = [_leaves(one.payload) for one in members]
        self._columns = {
            path: i for i, path in enumerate(dict.fromkeys(p for r in rows for p in r))
        }
        self._codes: dict[str, int] = {_ABSENT: 0}
        self._values = np.array([self._coded(row, grow=True) for row in rows], dtype=np.int64)

    def _coded(self, row: Mapping[str, str], *, grow: bool = False) -> list[int]:
        values = [row.get(path, _ABSENT) for path in self._columns]
        if grow:
            return [self._codes.setdefault(value, len(self._codes)) for value in values]
        return [self._codes.get(value, -1) for value in values]

    def nearest(self, payload: Mapping[str, Any], parent: str) -> Recorded:
        wanted = np.array(self._coded(_leaves(payload)), dtype=np.int64)
        differ = (self._values != wanted).sum(axis=1)
        equals = np.flatnonzero(differ == differ.min())
        closest = (self.members[i] for i in equals if self.members[i].parent == parent)
        return next(closest, self.members[int(equals[0])])


def _leaves(payload: Mapping[str, Any]) -> dict[str, str]:
    """Path to value, as JSON, of each leaf of a payload; a list of plain values is one leaf."""
    found: dict[str, str] = {}
    _gather(payload, "", found)
    return found


def _gather(value: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            _gather(one, f"{path}.{key}" if path else key, found)
    elif not isinstance(value, list | tuple | dict):
        found[path] = _scalar_text(value)
    elif value and isinstance(value, list | tuple) and isinstance(value[0], dict):
        for i, one in enumerate(value):
            _gather(one, f"{path}[{i}]", found)
    else:
        found[path] = canonical_json(value)


_scalar_text = lru_cache(maxsize=100_000, typed=True)(canonical_json)
"""Payloads have few different values, each in thousands of phases."""


# -- in words


def changes(
    old: Mapping[str, Any], new: Mapping[str, Any], kind: PhaseKind, names: Sequence[str]
) -> list[Change]:
    """What differs between two payloads, the parent last; kind and names are those of the new."""
    before, after = _leaves(old), _leaves(new)
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    found = [_change(path, before.get(path), after.get(path), kind, names) for path in paths]
    if set(old["parent"]) != set(new["parent"]):
        found = [change for path, change in zip(paths, found, strict=True) if path[:6] != "parent"]
        said = "it starts from another kind of model or phase"
        found.append(Change(field="parent", old=old["parent"], new=new["parent"], said=said))
    whole = {change.field: change for change in found}
    return sorted(whole.values(), key=lambda change: change.field == PARENT)


def _change(
    path: str, old: str | None, new: str | None, kind: PhaseKind, names: Sequence[str]
) -> Change:
    """One leaf that differs, with its values as JSON; None where it is absent."""
    before, after = (None if text is None else json.loads(text) for text in (old, new))
    field = _field(path, kind, names)
    said = f"{field} {_value(before)} -> {_value(after)}"
    if path == "recipe":
        said = f"recipe version {before} -> {after}: xstilts computes it in another way now"
    elif path == PARENT:
        said = f"parent {_value(before)} -> {_value(after)}"
    elif path.endswith("data_revision"):
        field = f"data of {field.split('.')[1]} {'test' if kind == 'evaluate' else 'train'}"
        said = f"{field} changed (content hash {_short(before)} -> {_short(after)})"
    elif path.startswith("parent.") and path.endswith("revision"):
        field = f"files of the {field}"
        said = f"{field} changed (hash {_short(before)} -> {_short(after)})"
    return Change(field=field, old=before, new=after, said=said)


def _field(path: str, kind: PhaseKind, names: Sequence[str]) -> str:
    """A payload's path in the words of a sweep file."""
    if path.startswith("hyper."):
        where = {"pretrain": "settings", "intermediate": "intermediate"}.get(kind, "target")
        return path.replace("hyper", where, 1)
    if path.startswith("tasks["):
        number, _, rest = path.removeprefix("tasks[").partition("]")
        return f"tasks.{names[int(number)]}{rest}"
    if path in ("parent.model", "parent.revision"):
        return path.replace("parent.", "").replace("revision", "model")
    if path.startswith("parent.tokenizer"):
        return "tokenizer"
    return path.removeprefix("parent.") if path.startswith("parent.config") else path


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else "none" if value is None else canonical_json(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _short(revision: Any) -> str:
    return f"{str(revision)[:8]}.."

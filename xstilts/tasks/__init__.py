"""The built-in tasks, as values in one read-only table.

A sweep names a task of this table, or changes fields of one, or defines its own. Nothing registers
itself: a new family of tasks is a module with a `TASKS` mapping and a line here. English
intermediates are grouped by what they ask (`nli`, `sentences`, `commonsense`, `reading`,
`syntactic`), targets by benchmark. `vocabulary` explains the words of `groups`; docs/tasks.md lists
all tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from xstilts.spec.task import Task
from xstilts.tasks import (
    commonsense,
    language_modelling,
    nli,
    reading,
    sentences,
    syntactic,
    xtreme,
    xtreme_r,
)
from xstilts.tasks.vocabulary import GROUPS

__all__ = ["GROUPS", "PUBLISHED", "TASKS"]


def _synthetic() -> Mapping[str, Task]:
    """The generator's tasks, if this installation has them."""
    if find_spec("xstilts.tasks.synthetic") is None:
        return {}
    table: Mapping[str, Task] = import_module("xstilts.tasks.synthetic").TASKS
    return table


_MODULES = (nli, sentences, commonsense, reading, syntactic, language_modelling, xtreme, xtreme_r)

PUBLISHED: Mapping[str, Task] = MappingProxyType(
    {name: t for module in _MODULES for name, t in module.TASKS.items()}
)
"""Name to task, for tasks on published data."""

TASKS: Mapping[str, Task] = MappingProxyType({**PUBLISHED, **_synthetic()})
"""Name to task."""

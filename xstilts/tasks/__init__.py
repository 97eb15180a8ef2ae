"""The built-in tasks, as values in one read-only table.

A sweep names a task of this table, or changes fields of one, or brings its own. Nothing registers
itself: a new family of tasks is a module with a `TASKS` mapping and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from xstilts.task import Task
from xstilts.tasks import intermediate, xtreme


def _synthetic() -> Mapping[str, Task]:
    """The generator's tasks, where this installation has them."""
    if find_spec("xstilts.tasks.synthetic") is None:
        return {}
    table: Mapping[str, Task] = import_module("xstilts.tasks.synthetic").TASKS
    return table


TASKS: Mapping[str, Task] = MappingProxyType({**intermediate.TASKS, **xtreme.TASKS, **_synthetic()})
"""Name to task."""

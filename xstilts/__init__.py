"""Which intermediate task helps which target task, in which language, and how surely.

The verbs of the command line are functions here too (`xstilts.plan("sweep.yaml")`), with the values
that they are about. Everything is imported when it is first used: `import xstilts` costs nothing.

Five verbs (`plan`, `scores`, `report`, `submission`, `doctor`) share their name with a module. The attribute is always
the verb; the module is reached as `from xstilts.plan import ...`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_VERBS = ("check", "plan", "run", "status", "scores", "report", "submission", "fetch", "track", "doctor")
_HOMES = {
    **dict.fromkeys(_VERBS, "xstilts.api"),
    "load": "xstilts.loading",
    "Sweep": "xstilts.sweep",
    "Task": "xstilts.task",
    "Store": "xstilts.store",
    "XstiltsError": "xstilts.errors",
    "InputError": "xstilts.errors",
    "SweepError": "xstilts.errors",
    "DataError": "xstilts.errors",
}

__all__ = [
    "DataError", "InputError", "Store", "Sweep", "SweepError", "Task", "XstiltsError", "__version__", "check", "doctor",
    "fetch", "load", "plan", "report", "run", "scores", "status", "submission", "track",
]  # fmt: skip

if TYPE_CHECKING:
    from xstilts.api import check, doctor, fetch, plan, report, run, scores, status, submission, track
    from xstilts.errors import DataError, InputError, SweepError, XstiltsError
    from xstilts.loading import load
    from xstilts.store import Store
    from xstilts.sweep import Sweep
    from xstilts.task import Task


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps a verb from being hidden by the module of its name when that is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _VERBS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

"""Which intermediate task helps which target task, in which language, and how surely.

The verbs of the command line are functions here too (`xstilts.plan("sweep.yaml")`), beside the
values that they take. Everything is imported at its first use: `import xstilts` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xstilts.version import __version__

_VERBS = (
    "init",
    "check",
    "plan",
    "run",
    "status",
    "scores",
    "report",
    "submission",
    "export",
    "list_tasks",
    "fetch",
    "track",
    "doctor",
    "verify",
    "prune",
    "why",
    "cluster_check",
    "cluster_token",
    "submit",
    "stop",
    "logs",
    "job_status",
)
_HOMES = {
    **dict.fromkeys(_VERBS, "xstilts.api"),
    "load": "xstilts.sweep_file",
    "Sweep": "xstilts.spec.sweep",
    "Task": "xstilts.spec.task",
    "Store": "xstilts.store.phases",
    "XstiltsError": "xstilts.errors",
    "InputError": "xstilts.errors",
    "SweepError": "xstilts.errors",
    "DataError": "xstilts.errors",
}

__all__ = [
    "DataError",
    "InputError",
    "Store",
    "Sweep",
    "SweepError",
    "Task",
    "XstiltsError",
    "__version__",
    "check",
    "cluster_check",
    "cluster_token",
    "doctor",
    "export",
    "fetch",
    "init",
    "job_status",
    "list_tasks",
    "load",
    "logs",
    "plan",
    "prune",
    "report",
    "run",
    "scores",
    "status",
    "stop",
    "submission",
    "submit",
    "track",
    "verify",
    "why",
]

if TYPE_CHECKING:
    from xstilts.api import (
        check,
        cluster_check,
        cluster_token,
        doctor,
        export,
        fetch,
        init,
        job_status,
        list_tasks,
        logs,
        plan,
        prune,
        report,
        run,
        scores,
        status,
        stop,
        submission,
        submit,
        track,
        verify,
        why,
    )
    from xstilts.errors import DataError, InputError, SweepError, XstiltsError
    from xstilts.spec.sweep import Sweep
    from xstilts.spec.task import Task
    from xstilts.store.phases import Store
    from xstilts.sweep_file import load


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""What `check` finds, for tests that look for a message."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from xstilts.data import task_data
from xstilts.spec.task import Action, Task


def problems(task: Task, folder: Path, action: Action = "train", mirror: Path | None = None) -> str:
    """What `check` finds, as one text; the rows raise the same."""
    found = task_data.check(task, action, worlds.context(folder, mirror))
    return "\n".join(found)

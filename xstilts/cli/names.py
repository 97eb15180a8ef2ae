"""Names that a shell completes: tasks, groups, formats, languages, the pairs of a sweep.

Nothing is imported before a shell asks, and whatever goes wrong then completes nothing: a message
would land in the middle of the user's line.
"""

from __future__ import annotations

from collections.abc import Iterable

import typer


def tasks(incomplete: str) -> list[str]:
    """Built-in tasks."""
    from xstilts.tasks import TASKS

    return _beginning(TASKS, incomplete)


def intermediates(incomplete: str) -> list[str]:
    """Built-in tasks that can be trained on their own rows, and the baseline."""
    from xstilts.spec.sweep import BASELINE
    from xstilts.tasks import TASKS

    trained = (name for name, task in TASKS.items() if task.trainable and task.has("train"))
    return _beginning((BASELINE, *trained), incomplete)


def targets(incomplete: str) -> list[str]:
    """Built-in tasks that can be scored."""
    from xstilts.tasks import TASKS

    return _beginning((name for name, task in TASKS.items() if task.has("test")), incomplete)


def groups(incomplete: str) -> list[str]:
    """Words of the tasks' groups."""
    from xstilts.tasks import GROUPS

    return _beginning(GROUPS, incomplete)


def formats(incomplete: str) -> list[str]:
    """Formats of tasks."""
    from xstilts.spec.format_specs import FORMATS

    return _beginning(FORMATS, incomplete)


def languages(incomplete: str) -> list[str]:
    """Languages of the built-in tasks."""
    from xstilts.tasks import TASKS

    return _beginning(sorted({one for t in TASKS.values() for one in t.languages}), incomplete)


def pairs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The pairs of the sweep that stands before on the line, as `squad/xquad`."""
    from xstilts.api.given import folder_of
    from xstilts.errors import XstiltsError
    from xstilts.store.sweeps import read_sweep

    try:
        given = str(ctx.params["sweep"])
        sweep = read_sweep(folder_of(given, store=ctx.params.get("store"), fresh=False).folder)
    except (XstiltsError, KeyError, OSError):
        return []
    every = (f"{label}/{target}" for label in sweep.labels for target in sweep.targets)
    return _beginning(every, incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]

"""Tokenises what a phase reads, ahead of it and without its model.

The form that a phase finds on the disk depends on rows, task, tokenizer and lengths. A checkpoint
has the tokenizer of the base model that it descends from, so the base model's serves for all its
phases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.data import task_data
from xstilts.models.model import tokenizer_for
from xstilts.sources.context import DataContext
from xstilts.store.phases import Store
from xstilts.workers.context import Context

if TYPE_CHECKING:
    from xstilts.spec.phase import PhaseSpec
    from xstilts.spec.task import Action, Task, Use


def prepare(spec: PhaseSpec, worker: Context) -> None:
    """Tokenises all rows that the phase reads and that are not there yet. Raises DataError,
    StoreError.
    """
    store = Store(worker.store)
    context = DataContext(mirror=worker.mirror, base=worker.base, cache=str(store.data))
    tokenizer = tokenizer_for(spec.parent, store, context)
    for member in spec.members:
        task = member.task
        for use, language in _parts(task, spec.action):
            task_data.encoded(task, use, language, tokenizer, spec.hyper, context)


def _parts(task: Task, action: Action) -> list[tuple[Use, str | None]]:
    """What is encoded as one: a use, and a language where each has its own."""
    if action == "train":
        return [("train", None), *([("dev", None)] if task.has("dev") else [])]  # type: ignore[list-item]
    return [(use, language) for language in task.languages for use in task.uses(action)]

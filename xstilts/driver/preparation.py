"""Rows are tokenised before a phase gets its GPU, by tasks of Ray that hold CPUs alone.

Without this, the first phase that reads some rows would tokenise them while it holds a GPU, and on
a cluster that grows, the GPU would be started for it. Whatever a slot reads is known from its task,
its model's tokenizer and its lengths, which all its phases share. A slot whose rows are not there
yet is held back, and other slots go on; no suggestion is asked for it in the meantime.

That rows were tokenised is noted in `<store>/data/prepared/`, so that a run that carries on begins
at once. Where the rows themselves are gone since, their phase tokenises them.

Left to the phase itself: rows that a model translates, which wants a GPU, and lengths that are
searched. Rows that can't be tokenised are as well: the phase tells why. On a run without GPUs there
is nothing to gain, and it has no preparation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xstilts.planning.filling import Revisions, reading
from xstilts.planning.plan import Plan, Slot
from xstilts.spec.digests import digest
from xstilts.spec.phase import PhaseSpec
from xstilts.store.inside import inside
from xstilts.store.phases import Store

LOOK_SECONDS = 0.5
AT_ONCE = 2
"""Tasks at the same time: phases need CPUs too."""


class Preparation:
    """Which rows are tokenised, and the tasks that do it. The driver's loop alone calls it."""

    def __init__(self, plan: Plan, revisions: Revisions, context: Mapping[str, Any]) -> None:
        """`context`: the workers', as a dict."""
        self._plan, self._revisions, self._context = plan, revisions, dict(context)
        self._store = Store(self._context["store"])
        self._keys: dict[tuple[str, ...], str] = {}
        self._specs: dict[str, PhaseSpec] = {}
        self._under_way: dict[str, Any] = {}
        """Key to the task of Ray."""
        self._done: set[str] = set()
        self._looked = 0.0

    def lacks(self, slot: Slot) -> bool:
        """Whether a slot's rows are not tokenised yet; begins it, once Ray is there."""
        key = self._key(slot)
        if not key or key in self._done:
            return False
        if key not in self._under_way and _note(self._store, key).exists():
            self._done.add(key)
            return False
        import ray

        if not ray.is_initialized():
            return True
        if key not in self._under_way and len(self._under_way) < AT_ONCE:
            self._under_way[key] = self._begin(key)
        self._look()
        return key not in self._done

    def doing(self) -> str:
        """What is tokenised now, in words; empty where nothing is."""
        specs = (self._specs[key] for key in self._under_way)
        names = dict.fromkeys(member.task.name for spec in specs for member in spec.members)
        return f"tokenising rows of {', '.join(names)}" if names else ""

    def _key(self, slot: Slot) -> str:
        """Equal for slots that read the same rows in the same form; empty where their phases
        tokenise them.
        """
        alike = (slot.kind, slot.model, slot.task, slot.target)
        if alike not in self._keys:
            spec = reading(self._plan, slot, self._revisions)
            key = digest(spec.payload()) if spec is not None else ""
            self._keys[alike] = key
            if spec is not None:
                self._specs[key] = spec
        return self._keys[alike]

    def _begin(self, key: str) -> Any:
        import ray

        task = ray.remote(num_cpus=1, num_gpus=0, max_retries=2)(_prepare)
        return task.remote(key, self._specs[key].model_dump(mode="json"), self._context)

    def _look(self) -> None:
        """Notes the tasks that have ended, well or not, from time to time."""
        import ray

        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        tasks = {task: key for key, task in self._under_way.items()}
        ended, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=0)
        for task in ended:
            self._done.add(tasks[task])
            del self._under_way[tasks[task]]


def _prepare(key: str, spec: dict[str, Any], context: dict[str, Any]) -> None:
    """In a process of its own."""
    from xstilts.training.preparation import prepare
    from xstilts.workers.context import Context

    prepare(PhaseSpec.model_validate(spec), Context(**context))
    note = _note(Store(context["store"]), key)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()


def _note(store: Store, key: str) -> Path:
    return inside(store.data, f"prepared/{key}")

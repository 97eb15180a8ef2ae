"""The project's own sweep files at the size of a test: a tiny model, invented rows in the hub's
schemas, few steps.

Models, steps, lengths, languages and seeds are all that is changed; tasks, pairs, mixtures and
transforms stay those of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.worlds import ROOT
from xstilts import api, sweep_file
from xstilts.planning import make_plan
from xstilts.planning.filling import build
from xstilts.planning.needs import first_slot
from xstilts.spec.format_specs.options import EmbeddingOptions
from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task
from xstilts.store.phases import Store
from xstilts.store.results import Result
from xstilts.training.phase import Context, run_phase

LANGUAGES = ("en", "de")
_TINY = {
    "lr": 1e-3,
    "steps": 2,
    "batch_size": 4,
    "grad_accumulation": 1,
    "max_length_tokens": 48,
    "doc_stride_tokens": 4,
    "eval_every_steps": 2,
}


def small(
    name: str, mirror: Path, store: Path, overrides: Mapping[str, Any] | None = None
) -> Sweep:
    """`sweeps/<name>.yaml`, scaled down; `overrides` are those of `sweep_file.load`."""
    path = ROOT / "sweeps" / f"{name}.yaml"
    full = sweep_file.load(path)
    changes: dict[str, Any] = {
        "models": ["local/tiny"],
        "seeds": [1],
        "store": str(store),
        "tracking": "off",
        "intermediate": _TINY,
        "target": _TINY,
        "search.sampler": "tpe",
        "resources": {"slots": 2},
    }
    kept = {
        *full.labels,
        *(overrides or {}).get("targets", full.targets),
    }
    changes["overrides"] = {
        label: {k: v for k, v in _TINY.items() if k in settings.given()}
        for label, settings in full.overrides.items()
        if label in kept
    }
    for task in full.tasks:
        changes.update(_of_task(task))
    return sweep_file.load(path, mirror=str(mirror), overrides={**changes, **(overrides or {})})


def _of_task(task: Task) -> dict[str, Any]:
    at = f"tasks.{task.name}"
    changes: dict[str, Any] = {}
    if len(task.languages) > 1:
        ours = [x for x in LANGUAGES if x in task.languages]
        others = [] if "de" in ours else [x for x in task.languages if x not in ours]
        changes[f"{at}.languages"] = [*ours, *others[:1]]
    if isinstance(task.options, EmbeddingOptions) and task.options.layer > 0:
        changes[f"{at}.options.layer"] = 1
    return changes


def run_plainly(
    sweep: Sweep, base: Path, seen: Callable[[str], None] = lambda slot: None
) -> dict[str, Result]:
    """Runs every slot of a sweep without a search, one after the other in this process; slot to its
    result.
    """
    store = Store(sweep.store).prepare()
    context = api.data_context(sweep, sweep, store).model_copy(update={"base": str(base)})
    sweep = api.with_labels(sweep, context)
    plan = make_plan(sweep)
    revisions = api.resolve(plan, context)
    worker = Context(store=str(store.path), mirror=sweep.mirror, base=str(base))
    ids: dict[str, str] = {}
    for slot in plan.slots:
        spec = build(plan, slot, {}, ids.get(first_slot(slot.needs), ""), revisions)
        run_phase(spec, worker, lambda report: True)
        ids[slot.key] = spec.id
        seen(slot.key)
    return {key: store.phase(phase).record().result for key, phase in ids.items()}

"""Sweeps whose phases have records although nothing was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.builders import evaluation_result, finish_training, provenance
from tests.support.tiny import make_sweep
from xstilts.api import open_sweep, resolve
from xstilts.planning.filling import build
from xstilts.planning.needs import first_slot

FIXED = {"lr": 0.001, "steps": 12, "batch_size": 8, "max_length_tokens": 16}


def fixed_sweep(folder: Path, **changes: Any) -> Path:
    """`tiny` without a search: one intermediate, its baseline, two seeds."""
    return make_sweep(folder, **{"target": FIXED, "search": {"trials": 1}, **changes})


def finish_all(file: Path, kinds: tuple[str, ...] = ("intermediate", "target", "evaluate")) -> None:
    """Writes a record for each phase of these kinds of a sweep that searches nothing."""
    opened = open_sweep(file)
    revisions = resolve(opened.plan, opened.context)
    ids: dict[str, str] = {}
    for slot in opened.plan.slots:
        parent = ids.get(first_slot(slot.needs), "")
        spec = build(opened.plan, slot, {}, parent, revisions)
        ids[slot.key] = spec.id
        if slot.kind not in kinds or opened.store.phase(spec.id).done:
            continue
        if slot.kind == "evaluate":
            opened.store.phase(spec.id).begin(spec)
            result = evaluation_result({"en": {"accuracy": 50.0}}, {"en": 10})
            opened.store.phase(spec.id).finish(spec, result, provenance())
        else:
            finish_training(opened.store, spec, 50.0)

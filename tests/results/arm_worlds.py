"""Sweeps whose intermediates are arms of one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xstilts.spec.sweep import Chain, Mixture, Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.spec.transforms import Pseudo, Transform, Translate
from xstilts.store.sealed import read_sealed, write_sealed

PSEUDO = Transform(pseudo=Pseudo())
GERMAN = Transform(translate=Translate(model="nllb", languages=("de",)))


def arm_task(name: str, rows: str = "", **changes: Any) -> Task:
    """A task on the data set `rows` (its name, where left out)."""
    fields: dict[str, Any] = {
        "name": name,
        "format": "classification",
        "metric": "accuracy",
        "labels": ("a", "b"),
        "source": Source(hub=f"t/{rows or name}"),
        "splits": Splits(train="train", dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


def arm_sweep(
    tasks: tuple[Task, ...],
    *mixtures: Mixture | Chain,
    alone: tuple[str, ...] | None = None,
    **changes: Any,
) -> Sweep:
    """`alone`: the tasks that are intermediates by themselves; all, where left out."""
    names = tuple(task.name for task in tasks) if alone is None else alone
    fields: dict[str, Any] = {
        "name": "s",
        "models": (Model(id="x/m"),),
        "intermediates": ("none", *names, *mixtures),
        "targets": ("tags", "pairs"),
        "seeds": (1, 2, 3),
        "tasks": (*tasks, arm_task("tags"), arm_task("pairs")),
    }
    return Sweep(**{**fields, **changes})


def arms_of_noise(folder: Path) -> None:
    """`skill` and `scramble` become `noise` in invented words and in German, in the sweep's own
    file.
    """
    sweep = read_sealed(folder / "sweep.json")
    tasks = {one["name"]: one for one in sweep["tasks"]}
    for name, transform in (("skill", PSEUDO), ("scramble", GERMAN)):
        tasks[name] |= {
            "source": tasks["noise"]["source"],
            "transform": transform.model_dump(mode="json"),
        }
    write_sealed(folder / "sweep.json", sweep)

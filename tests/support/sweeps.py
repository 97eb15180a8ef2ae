"""Sweeps over invented tasks, for tests that need a plan and no data."""

from __future__ import annotations

from typing import Any

from xstilts.spec.hyperparameters import Choice, LogRange, Settings
from xstilts.spec.sweep import Mixture, Model, Search, Sweep
from xstilts.spec.task import Source, Splits, Task

SPACE = Settings(lr=LogRange(log=(1e-5, 1e-3)), steps=Choice(choice=(10, 20)))


def task(name: str, task_format: str = "classification", **fields: Any) -> Task:
    """A task on a dataset of its own name."""
    return Task(
        name=name,
        format=task_format,
        source=Source(hub=f"org/{fields.get('train_task') or name}"),
        metric="accuracy",
        splits=Splits(train="train", dev="validation", test="test"),
        labels=("a", "b"),
        languages=("en", "sw"),
        **fields,
    )


def paper_grid(**changes: Any) -> Sweep:
    """Nine intermediates, a mixture, the baseline; nine targets, two of one training and two
    without.
    """
    singles = ("anli", "mnli", "qqp", "squad", "squad2", "hellaswag", "ccg", "cosmosqa", "csqa")
    shared = {"xquad": "squad", "mlqa": "squad"}
    targets = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")
    tasks = [task(name) for name in singles]
    tasks += [
        task(
            name,
            "retrieval" if name in ("bucc", "tatoeba") else "classification",
            train_task=shared.get(name),
        )
        for name in targets
    ]
    values = {
        "name": "grid",
        "models": (Model(id="org/model"),),
        "intermediates": ("none", *singles, Mixture(mixture=singles, name="all")),
        "targets": targets,
        "tasks": tuple(tasks),
        "intermediate": Settings(lr=1e-5),
        "target": Settings(lr=1e-5, steps=2000),
    }
    return Sweep(**{**values, **changes})


def small(**changes: Any) -> Sweep:
    """Two intermediates and the baseline, a trained and a retrieval target, searched."""
    values = {
        "name": "small",
        "models": (Model(id="org/model"),),
        "intermediates": ("none", "good", "bad"),
        "targets": ("tags", "find"),
        "seeds": (1, 2),
        "tasks": (task("good"), task("bad"), task("tags"), task("find", "retrieval")),
        "intermediate": SPACE,
        "target": SPACE,
        "search": Search(trials=3),
    }
    return Sweep(**{**values, **changes})

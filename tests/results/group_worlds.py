"""Worlds of known gains: syntactic and semantic intermediates and targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task

LANGUAGES = ("en", "de", "sw", "zh")


def group_task(name: str, words: tuple[str, ...], **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "name": name,
        "format": "classification",
        "metric": "accuracy",
        "labels": ("a", "b"),
        "groups": words,
        "source": Source(hub=f"t/{name}"),
        "splits": Splits(train="train", dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


SYN, SEM = ("syntactic", "size:small"), ("semantic", "size:small")
INTERMEDIATES = {
    name: group_task(name, words)
    for name, words in (("s1", SYN), ("s2", SYN), ("m1", SEM), ("m2", ("semantic", "size:large")))
}
TARGETS = {
    name: group_task(name, words)
    for name, words in (("ts1", SYN), ("ts2", SYN), ("tm1", SEM), ("tm2", SEM))
}


def group_sweep(*extra: Any) -> Sweep:
    tasks = (*INTERMEDIATES.values(), *TARGETS.values())
    return Sweep(
        name="s",
        models=(Model(id="x/m"),),
        intermediates=("none", *INTERMEDIATES, *extra),
        targets=tuple(TARGETS),
        seeds=(1, 2, 3),
        tasks=tasks,
    )


def group_table(
    gain: Mapping[tuple[str, str], float],
    seeds: int = 3,
    same: tuple[tuple[str, str], ...] = (),
    noise: float = 0.5,
) -> pd.DataFrame:
    """A scores table whose pairs have these gains, with noise between languages and seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for (intermediate, target), mean in gain.items():
        of_language, of_seed = rng.normal(0, noise, len(LANGUAGES)), rng.normal(0, noise / 2, seeds)
        for s in range(seeds):
            for k, language in enumerate(LANGUAGES):
                value = mean + of_language[k] - of_language.mean() + of_seed[s] - of_seed.mean()
                rows.append(
                    {
                        "model": "m",
                        "intermediate": intermediate,
                        "target": target,
                        "seed": s + 1,
                        "language": language,
                        "primary": True,
                        "gain": value,
                        "zero_shot": language != "en",
                        "same_data": (intermediate, target) in same,
                    }
                )
    return pd.DataFrame(rows)


def pair_gains(interaction: float = 0.0, harm: float = 0.0) -> dict[tuple[str, str], float]:
    """Additive gains of the tasks, `interaction` in all, and `harm` for syntactic intermediates."""
    own = {
        "s1": 1.0,
        "s2": 3.0,
        "m1": 2.0,
        "m2": 6.0,
        "ts1": 0.0,
        "ts2": 2.0,
        "tm1": -1.0,
        "tm2": 1.0,
    }
    signs = {name: (0.5 if name.lstrip("t").startswith("s") else -0.5) for name in own}
    return {
        (i, t): own[i] + own[t] + interaction * signs[i] * signs[t] - harm * (signs[i] > 0)
        for i in INTERMEDIATES
        for t in TARGETS
    }

"""The headline: the best intermediate for each target, and the benchmark's average with it.

"Best" depends on who chooses, so each number says it:

- *chosen on English dev*: the intermediate whose target trainings have the highest development
  score (the mean over seeds), which is in the language of training. No score in a target language
  is looked at, so the result is zero-shot. Retrieval and mining are not trained and have no such
  score: they take the intermediate with the highest development scores on the *other* targets, in
  points above the mean of all intermediates, averaged over the targets that are trained. Where none
  is, there is no such choice.
- *chosen on test*: the highest test score. It is optimistic, since a lucky test score helps to be
  chosen. Papers often report it, so it stands beside the other for comparison.

The baseline is no candidate: the question is what the best intermediate adds.

`policies.py` has the numbers: each way to choose is a policy. With one seed nothing is tested,
since nothing is known of what another seed would choose or score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.errors import StoreError
from xstilts.results.benchmarks import Benchmark, official
from xstilts.results.bootstrap import holm
from xstilts.results.compared import Means
from xstilts.results.hierarchy import mean_of_present
from xstilts.results.policies import Dev, Kind, Policy, ResampledScores, on_dev
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The policies of one model, compared."""

    model: str
    benchmark: Benchmark
    counted: tuple[str, ...]
    """Targets that the average is made of."""
    untrained: tuple[str, ...]
    """Targets without a development score of their own."""
    seeds: int
    policies: tuple[Policy, ...]

    def policy(self, kind: Kind) -> Policy | None:
        """The first policy of a kind."""
        return next((policy for policy in self.policies if policy.kind == kind), None)


def development(store: Store, table: pd.DataFrame) -> dict[str, dict[tuple[str, str, int], float]]:
    """Model to the development scores of its final target trainings, out of their records."""
    found: dict[str, dict[tuple[str, str, int], float]] = {}
    rows = table.drop_duplicates(["model", "intermediate", "target", "seed"])
    for row in rows[rows["train_phase"] != rows["intermediate_phase"]].to_dict("records"):
        try:
            trained = row["train_phase"]
            dev = store.phase(trained).record().trained.dev if trained else None
        except StoreError:
            continue  # the table of scores reports it
        if dev is not None:
            key = (str(row["intermediate"]), str(row["target"]), int(row["seed"]))
            found.setdefault(str(row["model"]), {})[key] = dev.value
    return found


def ranking(
    model: str, sweep: Sweep, benchmark: Benchmark, means: Mapping[str, Means], dev: Dev
) -> Ranking | None:
    """The policies of a model; `means` by target. None where no target has a baseline and an
    intermediate.
    """
    labels = [
        BASELINE,
        *(label for label in sweep.labels if label != BASELINE),
    ]
    targets = [name for name in sweep.targets if name in means]
    if not targets:
        return None
    resampled = ResampledScores(model, labels, targets, sweep, means, dev)
    keep = np.flatnonzero(resampled.usable_TI.any(axis=1))
    if not len(keep):
        return None
    counted = [official(sweep.task(name), benchmark) for name in targets]
    policies = resampled.policies(benchmark, np.array(counted) & resampled.usable_TI.any(axis=1))
    tested = [policy.p if policy.kind in ("dev", "single") else np.nan for policy in policies]
    adjusted = holm(np.array(tested))
    return Ranking(
        model=model,
        benchmark=benchmark,
        seeds=len(sweep.seeds),
        counted=tuple(targets[t] for t in keep if counted[t]),
        untrained=tuple(targets[t] for t in keep if not sweep.task(targets[t]).trainable),
        policies=tuple(
            replace(policy, p_holm=float(p)) for policy, p in zip(policies, adjusted, strict=True)
        ),
    )


def chosen_on_dev(sweep: Sweep, table: pd.DataFrame, model: str, dev: Dev) -> dict[str, str]:
    """Target to the intermediate chosen for it on English development scores; targets for which
    none can be chosen are left out.
    """
    labels = [label for label in sweep.labels if label != BASELINE]
    there = set(zip(table["model"], table["intermediate"], table["target"], strict=True))
    usable_TI = np.array(
        [[(model, i, t) in there for i in labels] for t in sweep.targets], dtype=bool
    )
    dev_TIS = np.array(
        [[[dev.get((i, t, s), np.nan) for s in sweep.seeds] for i in labels] for t in sweep.targets]
    )
    if not labels:
        return {}
    choice_T = on_dev(mean_of_present(dev_TIS, 2), usable_TI)
    return {target: labels[i] for target, i in zip(sweep.targets, choice_T, strict=True) if i >= 0}


def rows(ranking: Ranking, gains: pd.DataFrame) -> list[dict[str, Any]]:
    """For each target the chosen intermediates with their rows of the gains: `target`, `dev`,
    `test`, `kept`.
    """
    means = gains[(gains["level"] == "mean") & (gains["model"] == ranking.model)]
    found = {(r["intermediate"], r["target"]): r for r in means.to_dict("records")}
    dev, test = ranking.policy("dev"), ranking.policy("test")
    if test is None:
        return []
    return [
        {
            "target": target,
            "untrained": target in ranking.untrained,
            "counted": target in ranking.counted,
            "test": found[label, target],
            "kept_test": test.kept[target],
            "dev": found.get((dev.choices[target], target)) if dev else None,
            "kept": dev.kept[target] if dev else None,
        }
        for target, label in test.choices.items()
        if (label, target) in found
    ]

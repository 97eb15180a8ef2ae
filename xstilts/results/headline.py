"""The headline: the best intermediate for each target, and what the benchmark's average becomes
with it.

"Best" depends on who chooses, so each number says it:

- *chosen on English dev*: the intermediate whose target trainings have the highest development
  score (the mean over seeds), which is in the language of training. No score in a target language
  is looked at, so the result is zero-shot. Retrieval and mining are not trained and have no such
  score: they get the intermediate with the highest development scores on the *other* targets, in
  points above the mean of all intermediates, averaged over the targets that are trained. Where none
  is, there is no such choice.
- *chosen on test*: the highest test score. It is optimistic, since the luck of the test set helps
  to win; it is what papers often report, and stands beside the other for comparison alone.

The baseline is no candidate: the question is what the best intermediate brings.

Intervals draw seeds and test examples again, as `bootstrap.py` does, and *choose again in each
resample*; so they hold what the choice adds to the uncertainty, as far as seeds and test examples
tell (development rows are not drawn again, since their predictions are not kept). The *optimism* of
the choice on test is
    mean over resamples of  (gain of the resample's choice in the resample) - (its gain in the data)
(after Efron 1983, "Estimating the error rate of a prediction rule"): about so much of the gain is
the luck of being chosen.

The choice on test has a gain and no interval: one about the largest of noisy numbers would not hold
what it says. With one seed nothing is tested, since nothing is known of what another seed would
choose or score.

Legend: `B` resamples, `T` targets, `I` intermediates (0 the baseline), `S` seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xstilts.errors import StoreError
from xstilts.results.benchmarks import Average, Benchmark, average, official
from xstilts.results.bootstrap import holm, satterthwaite
from xstilts.results.hierarchy import mean_of_present
from xstilts.results.statistics import Means
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]

Kind = Literal["baseline", "dev", "test", "single"]
Dev = Mapping[tuple[str, str, int], float]
"""(intermediate, target, seed) to the development score of the target's training, percent."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to choose an intermediate for every target, and what comes of it."""

    kind: Kind
    label: str
    choices: Mapping[str, str]
    """Target to intermediate."""
    kept: Mapping[str, float]
    """Target to the share of resamples in which the same one is chosen."""
    scores: Mapping[str, float]
    """Target to score, the mean over languages and seeds."""
    average: Average
    gain: float
    """Of the average over the benchmark's tasks, over the baseline's; NaN where a task is missing.
    """
    low: float = np.nan
    """Ends of the 95% interval; NaN for the choice on test."""
    high: float = np.nan
    p: float = np.nan
    """NaN for the choice on test, and with one seed."""
    p_holm: float = np.nan
    optimism: float = np.nan
    """Points of the gain that are the luck of the choice; of the choice on test alone."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """All arms of one model."""

    model: str
    benchmark: Benchmark
    counted: tuple[str, ...]
    """Targets that the average is made of."""
    untrained: tuple[str, ...]
    """Targets without a development score of their own."""
    seeds: int
    arms: tuple[Arm, ...]

    def arm(self, kind: Kind) -> Arm | None:
        """The first arm of a kind."""
        return next((arm for arm in self.arms if arm.kind == kind), None)


def development(store: Store, table: pd.DataFrame) -> dict[str, dict[tuple[str, str, int], float]]:
    """Model to the development scores of its final target trainings, out of their records."""
    found: dict[str, dict[tuple[str, str, int], float]] = {}
    rows = table.drop_duplicates(["model", "intermediate", "target", "seed"])
    for row in rows[rows["train_phase"] != rows["intermediate_phase"]].to_dict("records"):
        try:
            trained = row["train_phase"]
            dev = store.phase(trained).record().trained.dev if trained else None
        except StoreError:
            continue  # reported where its numbers are missed
        if dev is not None:
            key = (str(row["intermediate"]), str(row["target"]), int(row["seed"]))
            found.setdefault(str(row["model"]), {})[key] = dev.value
    return found


def board(
    model: str, sweep: Sweep, benchmark: Benchmark, means: Mapping[str, Means], dev: Dev
) -> Board | None:
    """The arms of a model; `means` by target. None where no target has a baseline and an
    intermediate.
    """
    labels = [
        BASELINE,
        *(label for label in sweep.labels if label != BASELINE),
    ]
    targets = [name for name in sweep.targets if name in means]
    if not targets:
        return None
    resampled = _Resampled(model, labels, targets, sweep, means, dev)
    keep = np.flatnonzero(resampled.usable_TI.any(axis=1))
    if not len(keep):
        return None
    counted = [official(sweep.task(name), benchmark) for name in targets]
    arms = resampled.arms(benchmark, np.array(counted) & resampled.usable_TI.any(axis=1))
    adjusted = holm(np.array([arm.p if arm.kind in ("dev", "single") else np.nan for arm in arms]))
    return Board(
        model=model,
        benchmark=benchmark,
        seeds=len(sweep.seeds),
        counted=tuple(targets[t] for t in keep if counted[t]),
        untrained=tuple(targets[t] for t in keep if not sweep.task(targets[t]).trainable),
        arms=tuple(replace(arm, p_holm=float(p)) for arm, p in zip(arms, adjusted, strict=True)),
    )


def chosen_on_dev(sweep: Sweep, table: pd.DataFrame, model: str, dev: Dev) -> dict[str, str]:
    """Target to the intermediate that is chosen for it on English development scores; targets
    without one left out.
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


class _Resampled:
    """Scores and development scores of a model, as they are and as they come out in each
    resample.
    """

    def __init__(
        self,
        model: str,
        labels: Sequence[str],
        targets: Sequence[str],
        sweep: Sweep,
        means: Mapping[str, Means],
        dev: Dev,
    ) -> None:
        self.labels, self.targets = labels, targets
        seeds = list(sweep.seeds)
        both = [_aligned(means[name], labels, seeds) for name in targets]
        self.score_TIS = np.array([observed for observed, _ in both])
        self.dev_TIS = _filled(
            np.array(
                [[[dev.get((i, t, s), np.nan) for s in seeds] for i in labels] for t in targets]
            )
        )
        resamples = len(both[0][1])
        rng = resampling_stream(model, len(seeds))
        counts_BS = rng.multinomial(
            len(seeds), np.full(len(seeds), 1 / len(seeds)), size=resamples
        ) / len(seeds)
        self.stretch = np.sqrt(len(seeds) / (len(seeds) - 1)) if len(seeds) > 1 else 0.0
        self.examples_BTI = np.stack([drawn.mean(axis=2) for _, drawn in both], axis=1)
        drawn_BTI = np.stack(
            [np.einsum("bs,bis->bi", counts_BS, drawn) for _, drawn in both], axis=1
        )
        self.score_BTI = self.examples_BTI + self.stretch * (drawn_BTI - self.examples_BTI)
        middle_TI = self.dev_TIS.mean(axis=2)
        drawn_BTI = np.einsum("bs,tis->bti", counts_BS, self.dev_TIS)
        self.dev_BTI = middle_TI + self.stretch * (drawn_BTI - middle_TI)
        self.n = sum(means[name].n for name in targets)
        there_TI = ~np.isnan(self.score_TIS).any(axis=2)
        self.usable_TI = there_TI & there_TI[:, :1]
        self.usable_TI[:, 0] = False
        self.there_TI = there_TI

    def arms(self, benchmark: Benchmark, counted_T: Array) -> list[Arm]:
        """Baseline, the two choices, and each intermediate for all targets."""
        score_TI = self.score_TIS.mean(axis=2)
        usable = self.usable_TI.any(axis=1)
        none_T = np.where(self.there_TI[:, 0], 0, -1)
        arms = [self._arm("baseline", BASELINE, none_T, None, benchmark, counted_T)]
        on_dev_T = on_dev(self.dev_TIS.mean(axis=2), self.usable_TI)
        if (on_dev_T[usable] >= 0).all():
            again_BT = on_dev(self.dev_BTI, self.usable_TI)
            arms.append(
                self._arm(
                    "dev", "best (chosen on English dev)", on_dev_T, again_BT, benchmark, counted_T
                )
            )
        on_test_T, again_BT = (
            on_test(score_TI, self.usable_TI),
            on_test(self.score_BTI, self.usable_TI),
        )
        arms.append(
            self._arm(
                "test",
                "best (chosen on test, optimistic)",
                on_test_T,
                again_BT,
                benchmark,
                counted_T,
            )
        )
        for i in range(1, len(self.labels)):
            if self.usable_TI[:, i].any():
                same_T = np.where(self.usable_TI[:, i], i, -1)
                arms.append(self._arm("single", self.labels[i], same_T, None, benchmark, counted_T))
        return arms

    def _arm(
        self,
        kind: Kind,
        name: str,
        choice_T: Array,
        again_BT: Array | None,
        benchmark: Benchmark,
        counted_T: Array,
    ) -> Arm:
        score_TI = self.score_TIS.mean(axis=2)
        there = [t for t in range(len(self.targets)) if choice_T[t] >= 0]
        scores = {self.targets[t]: float(score_TI[t, choice_T[t]]) for t in there}
        again = (
            np.broadcast_to(choice_T, self.score_BTI.shape[:2]) if again_BT is None else again_BT
        )
        arm = Arm(
            kind=kind,
            label=name,
            scores=scores,
            gain=np.nan,
            choices={self.targets[t]: self.labels[choice_T[t]] for t in there},
            kept={self.targets[t]: _kept(again[:, t], choice_T[t]) for t in there},
            average=average(
                {n: s for n, s in scores.items() if counted_T[self.targets.index(n)]}, benchmark
            ),
        )
        part = np.flatnonzero(counted_T)
        if kind == "baseline" or not len(part) or (choice_T[part] < 0).any():
            return arm
        return replace(arm, **self._gain(choice_T, again, part, kind))

    def _gain(self, choice_T: Array, again_BT: Array, part: Array, kind: Kind) -> dict[str, Any]:
        """Gain of the average over the targets in `part`, with its interval; arguments of an
        `Arm`.
        """
        from scipy import stats

        per_seed_S = np.mean(
            [self.score_TIS[t, choice_T[t]] - self.score_TIS[t, 0] for t in part], axis=0
        )
        seeds, gain = len(per_seed_S), float(per_seed_S.mean())
        replicates_B = _gains(self.score_BTI, again_BT)[:, part].mean(axis=1)
        fixed_BT = np.broadcast_to(choice_T, again_BT.shape)
        var_examples = _gains(self.examples_BTI, fixed_BT)[:, part].mean(axis=1).var(ddof=1)
        var_seeds = per_seed_S.var(ddof=1) / seeds if seeds > 1 else 0.0
        se = float(replicates_B.std(ddof=1))
        df = float(
            satterthwaite(
                np.array([var_seeds]), np.array([var_examples]), seeds, np.array([self.n])
            )[0]
        )
        reach = float(stats.t.ppf(0.975, df)) * se
        if kind == "test":
            data_BTI = np.broadcast_to(self.score_TIS.mean(axis=2), self.score_BTI.shape)
            optimism = (replicates_B - _gains(data_BTI, again_BT)[:, part].mean(axis=1)).mean()
            return {"gain": gain, "optimism": float(optimism)}
        found = {"gain": gain, "low": gain - reach, "high": gain + reach}
        if seeds == 1:
            return found
        return found | {
            "p": 1.0 if gain == 0 else float(2 * stats.t.sf(abs(gain) / se, df)) if se else np.nan
        }


def on_dev(dev_XTI: Array, usable_TI: Array) -> Array:
    """The best intermediate of each target by development score, `X` any leading axes; -1 where
    nobody can say.

    A target without development scores takes the intermediate of the highest mean over the others.
    """
    known_XTI = np.where(usable_TI, dev_XTI, np.nan)
    above_XTI = known_XTI - mean_of_present(known_XTI, -1)[..., None]
    elsewhere_XI = mean_of_present(above_XTI, -2)
    has_T = np.any(~np.isnan(known_XTI), axis=-1)
    rank_XTI = np.where(
        has_T[..., None], known_XTI, np.where(usable_TI, elsewhere_XI[..., None, :], np.nan)
    )
    return _best(rank_XTI)


def on_test(score_XTI: Array, usable_TI: Array) -> Array:
    """The same by test score."""
    return _best(np.where(usable_TI, score_XTI, np.nan))


def _best(rank_XTI: Array) -> Array:
    """Place of the largest along the last axis, the first in a tie; -1 where all are NaN."""
    lost = np.isnan(rank_XTI).all(axis=-1)
    best: Array = np.where(
        lost, -1, np.where(np.isnan(rank_XTI), -np.inf, rank_XTI).argmax(axis=-1)
    )
    return best


def _kept(again_B: Array, choice: int) -> float:
    """Share of resamples with the same choice; NaN where predictions can't be read, so that nothing
    is chosen.
    """
    return float((again_B == choice).mean()) if (again_B >= 0).all() else np.nan


def _gains(score_BTI: Array, choice_BT: Array) -> Array:
    """Score of the chosen one less the baseline's, `(B, T)`; the choice must be one wherever it is
    read.
    """
    chosen = np.take_along_axis(score_BTI, np.maximum(choice_BT, 0)[..., None], axis=2)[..., 0]
    gains: Array = chosen - score_BTI[..., 0]
    return gains


def _filled(values: Array) -> Array:
    """Missing seeds (the last axis) take the mean of those that are there."""
    return np.where(np.isnan(values), mean_of_present(values, -1)[..., None], values)


def _aligned(means: Means, labels: Sequence[str], seeds: Sequence[int]) -> tuple[Array, Array]:
    """Observed `(I, S)` and resampled `(B, I, S)` scores in this order of labels and seeds."""
    observed = np.full((len(labels), len(seeds)), np.nan)
    resampled = np.full((len(means.resampled_BIS), *observed.shape), np.nan)
    for i, name in enumerate(labels):
        for s, seed in enumerate(seeds):
            if name in means.labels and seed in means.seeds:
                place = means.labels.index(name), means.seeds.index(seed)
                observed[i, s], resampled[:, i, s] = (
                    means.observed_IS[place],
                    means.resampled_BIS[:, place[0], place[1]],
                )
    return _filled(observed), _filled(resampled)


def rows(one: Board, gains: pd.DataFrame) -> list[dict[str, Any]]:
    """For each target its chosen intermediates with the rows of their mean gains: `target`, `dev`,
    `test`, `kept`.
    """
    means = gains[(gains["level"] == "mean") & (gains["model"] == one.model)]
    found = {(r["intermediate"], r["target"]): r for r in means.to_dict("records")}
    dev, test = one.arm("dev"), one.arm("test")
    if test is None:
        return []
    return [
        {
            "target": target,
            "untrained": target in one.untrained,
            "counted": target in one.counted,
            "test": found[label, target],
            "kept_test": test.kept[target],
            "dev": found.get((dev.choices[target], target)) if dev else None,
            "kept": dev.kept[target] if dev else None,
        }
        for target, label in test.choices.items()
        if (label, target) in found
    ]

"""Policies: ways to choose an intermediate for every target, with the average that each gives.

Intervals are made as a pair's are: examples by the bootstrap, the spread over seeds from all
policies of the model together (`moderated.py`). Resamples of seeds and test examples also *choose
again*, and what the gain varies more when it is chosen again is added. So the interval includes the
uncertainty of the choice itself, as far as seeds and test examples decide it (development rows are
not drawn again, since their predictions are not kept). The *optimism* of the choice on test is
    mean over resamples of  (gain of the resample's choice in the resample) - (its gain in the data)
(after Efron 1983, "Estimating the error rate of a prediction rule"): about this many points of its
gain are the luck of being chosen.

The choice on test has a gain and no interval: an interval around the largest of several noisy
numbers would not cover the true value as often as it claims.

Legend: `B` resamples, `T` targets, `I` intermediates (0 the baseline), `S` seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from xstilts.results.benchmarks import Average, Benchmark, average
from xstilts.results.bootstrap import Parts, parts
from xstilts.results.compared import Means
from xstilts.results.hierarchy import mean_of_present
from xstilts.results.moderated import moderate
from xstilts.scoring.gains import gain
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import BASELINE, Sweep

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["baseline", "dev", "test", "single"]
Dev = Mapping[tuple[str, str, int], float]
"""(intermediate, target, seed) to the development score of the target's training, percent."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One way to choose an intermediate for every target, and its scores."""

    kind: Kind
    label: str
    choices: Mapping[str, str]
    """Target to intermediate."""
    kept: Mapping[str, float]
    """Target to the share of resamples in which the same intermediate is chosen."""
    scores: Mapping[str, float]
    """Target to score, the mean over languages and seeds."""
    average: Average
    gain: float
    """Gain of the average over the benchmark's tasks; NaN where a task is missing."""
    low: float = np.nan
    """Ends of the 95% interval; NaN for the choice on test."""
    high: float = np.nan
    p: float = np.nan
    """NaN for the choice on test, and with one seed."""
    p_holm: float = np.nan
    interval_over: str = ""
    """What the interval is over; empty where there is none."""
    optimism: float = np.nan
    """Points of the gain that are the luck of the choice; only for the choice on test."""
    parts: Parts | None = None
    """What makes the gain uncertain; None where there is no interval."""


class ResampledScores:
    """Scores and development scores of a model, observed and in each resample."""

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
        self.drawn_BTIS = np.stack([drawn for _, drawn in both], axis=1)
        self.examples_BTI = self.drawn_BTIS.mean(axis=3)
        drawn_BTI = np.einsum("bs,btis->bti", counts_BS, self.drawn_BTIS)
        self.score_BTI = self.examples_BTI + self.stretch * (drawn_BTI - self.examples_BTI)
        middle_TI = self.dev_TIS.mean(axis=2)
        drawn_BTI = np.einsum("bs,tis->bti", counts_BS, self.dev_TIS)
        self.dev_BTI = middle_TI + self.stretch * (drawn_BTI - middle_TI)
        self.n = sum(means[name].n for name in targets)
        there_TI = ~np.isnan(self.score_TIS).any(axis=2)
        self.usable_TI = there_TI & there_TI[:, :1]
        self.usable_TI[:, 0] = False
        self.there_TI = there_TI
        self.complete_TIS = np.array([_complete(means[name], labels, seeds) for name in targets])

    def policies(self, benchmark: Benchmark, counted_T: Array) -> list[Policy]:
        """The baseline, the two choices, and each intermediate for all targets. The spread over
        seeds is that of all of them together.
        """
        score_TI = self.score_TIS.mean(axis=2)
        usable = self.usable_TI.any(axis=1)
        none_T = np.where(self.there_TI[:, 0], 0, -1)
        policies = [self._policy("baseline", BASELINE, none_T, None, benchmark, counted_T)]
        on_dev_T = on_dev(self.dev_TIS.mean(axis=2), self.usable_TI)
        if (on_dev_T[usable] >= 0).all():
            again_BT = on_dev(self.dev_BTI, self.usable_TI)
            policies.append(
                self._policy(
                    "dev", "best (chosen on English dev)", on_dev_T, again_BT, benchmark, counted_T
                )
            )
        on_test_T, again_BT = (
            on_test(score_TI, self.usable_TI),
            on_test(self.score_BTI, self.usable_TI),
        )
        policies.append(
            self._policy(
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
                policies.append(
                    self._policy("single", self.labels[i], same_T, None, benchmark, counted_T)
                )
        return _judged(policies)

    def _policy(
        self,
        kind: Kind,
        name: str,
        choice_T: Array,
        again_BT: Array | None,
        benchmark: Benchmark,
        counted_T: Array,
    ) -> Policy:
        score_TI = self.score_TIS.mean(axis=2)
        there = [t for t in range(len(self.targets)) if choice_T[t] >= 0]
        scores = {self.targets[t]: float(score_TI[t, choice_T[t]]) for t in there}
        again = (
            np.broadcast_to(choice_T, self.score_BTI.shape[:2]) if again_BT is None else again_BT
        )
        policy = Policy(
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
            return policy
        return replace(policy, **self._gain(choice_T, again, part, kind))

    def _gain(self, choice_T: Array, again_BT: Array, part: Array, kind: Kind) -> dict[str, Any]:
        """Gain of the average over the targets in `part`, and what makes it uncertain, as fields of
        a `Policy`.
        """
        chosen = choice_T[part]
        per_seed_S = gain(self.score_TIS[part, chosen], self.score_TIS[part, 0]).mean(axis=0)
        replicates_B = _gains(self.score_BTI, again_BT)[:, part].mean(axis=1)
        if kind == "test":
            data_BTI = np.broadcast_to(self.score_TIS.mean(axis=2), self.score_BTI.shape)
            optimism = (replicates_B - _gains(data_BTI, again_BT)[:, part].mean(axis=1)).mean()
            return {"gain": float(per_seed_S.mean()), "optimism": float(optimism)}
        fixed_BT = np.broadcast_to(choice_T, again_BT.shape)
        fixed_B = _gains(self.score_BTI, fixed_BT)[:, part].mean(axis=1)
        choosing = max(0.0, float(replicates_B.var(ddof=1) - fixed_B.var(ddof=1)))
        drawn_BS = gain(self.drawn_BTIS[:, part, chosen], self.drawn_BTIS[:, part, 0]).mean(axis=1)
        used = self._seeds(part, chosen, per_seed_S, drawn_BS)
        one, n = np.ones((1, 1)), np.array([float(self.n)])
        found = parts(per_seed_S[used, None], drawn_BS[:, used, None], one, n)
        mean = per_seed_S.mean()
        found = replace(found, gain=np.array([mean]), examples=found.examples + choosing)
        return {"gain": float(mean), "parts": found}

    def _seeds(self, part: Array, chosen: Array, per_seed_S: Array, drawn_BS: Array) -> Array:
        """The seeds that tell how far seeds move the gain: those that no target lacks, and of seeds
        with the same evaluations one. At least one seed.
        """
        complete_S = (self.complete_TIS[part, chosen] & self.complete_TIS[part, 0]).all(axis=0)
        own = np.concatenate([per_seed_S[None], drawn_BS])
        first = np.unique(own, axis=1, return_index=True)[1]
        used = np.sort([s for s in first if complete_S[s]]).astype(np.int64)
        return used if len(used) else np.array([0])


def _judged(policies: Sequence[Policy]) -> list[Policy]:
    """The policies with their intervals and p-values. All share the baseline's trainings."""
    uncertain = [one for one in policies if one.parts is not None]
    every = [one.parts for one in uncertain if one.parts is not None]
    found = moderate(every, [["policy"]] * len(every), [frozenset([BASELINE])] * len(every))
    numbers: dict[int, dict[str, Any]] = {
        id(one): {"interval_over": str(found.over[r])}
        | {name: float(getattr(found, name)[r]) for name in ("low", "high", "p")}
        for r, one in enumerate(uncertain)
    }
    return [replace(one, **numbers.get(id(one), {})) for one in policies]


def on_dev(dev_XTI: Array, usable_TI: Array) -> Array:
    """The best intermediate of each target by development score, -1 where there is no score to
    choose by; `X`: any leading axes.

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
    """The best intermediate of each target by test score."""
    return _best(np.where(usable_TI, score_XTI, np.nan))


def _best(rank_XTI: Array) -> Array:
    """Index of the largest value along the last axis, the first in a tie; -1 where all are NaN."""
    lost = np.isnan(rank_XTI).all(axis=-1)
    best: Array = np.where(
        lost, -1, np.where(np.isnan(rank_XTI), -np.inf, rank_XTI).argmax(axis=-1)
    )
    return best


def _kept(again_B: Array, choice: int) -> float:
    """Share of resamples with the same choice; NaN where predictions can't be read, so nothing is
    chosen.
    """
    return float((again_B == choice).mean()) if (again_B >= 0).all() else np.nan


def _gains(score_BTI: Array, choice_BT: Array) -> Array:
    """Gain of the chosen intermediates `(B, T)`; not meaningful where none is chosen (-1)."""
    chosen = np.take_along_axis(score_BTI, np.maximum(choice_BT, 0)[..., None], axis=2)[..., 0]
    return gain(chosen, score_BTI[..., 0])


def _filled(values: Array) -> Array:
    """Gives missing seeds (the last axis) the mean of the others."""
    return np.where(np.isnan(values), mean_of_present(values, -1)[..., None], values)


def _complete(means: Means, labels: Sequence[str], seeds: Sequence[int]) -> Array:
    """Whether each label has a score with each seed `(I, S)`."""
    return np.array(
        [
            [
                name in means.labels
                and seed in means.seeds
                and not np.isnan(
                    means.observed_IS[means.labels.index(name), means.seeds.index(seed)]
                )
                for seed in seeds
            ]
            for name in labels
        ],
        dtype=bool,
    )


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

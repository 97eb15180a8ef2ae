"""Gains with their uncertainty, from the stored predictions of a sweep.

A gain is a pair's score less the baseline's, averaged over seeds. Two things make it uncertain: the
test set holds these examples and not others, and the training used these seeds and not others.
`bootstrap.py` has the statistics and `resampled.py` reads the predictions. This module pairs each
intermediate with the baseline and makes a row for each language and for the means over all
languages, over the zero-shot ones, and, among these, over the seen and over the unseen ones.

Holm's correction takes all pairs and languages of the sweep as one family; each kind of mean is a
family of its own. Only primary metrics are tested.

`compare` compares any two intermediates in the same way, for `arms.py`.

Random numbers depend on the seed, the model, the target and the example ids alone: adding a pair to
the sweep changes no other pair's interval (except in mining, where the ids are what the systems
proposed). Legend as in `bootstrap.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.bootstrap import estimate, holm, quantities
from xstilts.results.compared import (
    AVERAGES,
    COLUMNS,
    LEVELS,
    Average,
    Comparison,
    Contrast,
    Examples,
    Means,
)
from xstilts.results.resampled import Predictions
from xstilts.scoring.gains import gain
from xstilts.scoring.metrics import Array
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import BASELINE
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000


def gains(
    scores: pd.DataFrame,
    store: Store,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """One row for each pair, target and language, and for the means over languages; see COLUMNS.

    `scores` is the table of `scores.table`; predictions are read from `store`. Only primary
    metrics, and only languages and seeds that pair and baseline share. Scores and gains in percent
    points; `n` is the number of examples, `seeds` the number of distinct seeds. Intervals and
    p-values are empty where predictions are missing or damaged, and `scores.problems` of the result
    says so.
    """
    return compare(scores, store, resamples=resamples, seed=seed, confidence=confidence).gains


def compare(
    scores: pd.DataFrame,
    store: Store,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
    against: Sequence[tuple[str, str]] = (),
) -> Comparison:
    """The gains, and the resampled scores of each target, for averages over targets.

    `against`: pairs (intermediate, reference) that are compared as well.
    """
    import pandas as pd

    final = scores[scores["primary"]]
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    means: dict[tuple[str, str], Means] = {}
    examples: dict[tuple[str, str], Examples] = {}
    contrasts: list[Contrast] = []
    for _, group in final.groupby(["sweep", "model", "target", "metric"], sort=False):
        target = _Target(group, store, seed, problems)
        pairs = [pair for pair in against if {*pair} <= {*target.labels}]
        if not target.comparable and not pairs:
            continue
        resampled_BPL = target.predictions.resampled(resamples)
        contrasts.extend(target.contrasts(pairs, resampled_BPL, confidence))
        if target.comparable:
            rows.extend(target.rows(resampled_BPL, confidence))
            key = target.keys["model"], target.keys["target"]
            means[key], examples[key] = target.means(resampled_BPL), target.examples(resampled_BPL)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seen": "boolean"})
    for level in LEVELS:
        family = frame["level"] == level
        frame.loc[family, "p_holm"] = holm(frame.loc[family, "p"].to_numpy(dtype=float))
    frame.attrs["problems"] = problems
    return Comparison(gains=frame, means=means, examples=examples, contrasts=tuple(contrasts))


@dataclass(frozen=True, kw_only=True)
class _Paired:
    """An intermediate and its reference in the seeds and languages that both have; an evaluation
    that stands under two seeds counts once.
    """

    label: str
    seeds: tuple[int, ...]
    scores_SL: Array
    reference_SL: Array
    drawn_BSL: Array
    """Difference under resampled test examples."""
    means_LT: Array
    levels: list[tuple[str, str]]
    n_T: Array
    info: pd.DataFrame
    """Rows of the languages."""


class _Target:
    """All pairs of one target: its predictions, resampled once, compared pair by pair."""

    def __init__(self, group: pd.DataFrame, store: Store, seed: int, problems: list[str]) -> None:
        self.group = group
        self.keys = {k: group[k].iloc[0] for k in ("sweep", "model", "target", "metric")}
        self.entropy = (seed, self.keys["model"], self.keys["target"])
        self.predictions = Predictions(group, store, self.entropy, problems)
        self.languages, self.phases = self.predictions.languages, self.predictions.phases
        self.labels = list(dict.fromkeys(group["intermediate"]))
        self.value = group.drop_duplicates(["intermediate", "seed", "language"]).set_index(
            ["intermediate", "seed", "language"]
        )
        self._phase_of = self.value["phase"].to_dict()

    @property
    def comparable(self) -> bool:
        """Whether there are a baseline and at least one intermediate."""
        return BASELINE in self.labels and len(self.labels) > 1

    def rows(self, resampled_BPL: Array, confidence: float) -> Iterator[dict[str, Any]]:
        """Rows of every pair."""
        for label in self.labels:
            paired = self._paired(label, BASELINE, resampled_BPL) if label != BASELINE else None
            if paired is not None:
                yield from self._rows(paired, confidence)

    def contrasts(
        self, against: Sequence[tuple[str, str]], resampled_BPL: Array, confidence: float
    ) -> Iterator[Contrast]:
        """The intermediates of `against`, each compared with its reference."""
        for label, reference in against:
            paired = self._paired(label, reference, resampled_BPL)
            if paired is None:
                continue
            averages = {
                row["level"]: Average(
                    row=row,
                    score_S=paired.scores_SL @ weights,
                    reference_S=paired.reference_SL @ weights,
                    drawn_BS=paired.drawn_BSL @ weights,
                )
                for weights, row in zip(
                    paired.means_LT.T, self._rows(paired, confidence), strict=True
                )
                if row["level"] in AVERAGES
            }
            yield Contrast(
                model=self.keys["model"],
                target=self.keys["target"],
                label=label,
                reference=reference,
                seeds=paired.seeds,
                averages=averages,
            )

    def means(self, resampled_BPL: Array) -> Means:
        """Means over all languages of the target."""
        seeds = sorted(set(self.group["seed"]))
        shape = (len(self.labels), len(seeds))
        observed, resampled = np.full(shape, np.nan), np.full((len(resampled_BPL), *shape), np.nan)
        for i, label in enumerate(self.labels):
            for s, seed in enumerate(seeds):
                if all((label, seed, language) in self.value.index for language in self.languages):
                    phase = self.phases.index(self._phase(label, seed, self.languages[0]))
                    observed[i, s] = np.mean(
                        [self.value.at[(label, seed, one), "value"] for one in self.languages]
                    )
                    resampled[:, i, s] = resampled_BPL[:, phase].mean(axis=1)
        n = int(self.group.drop_duplicates("language")["n"].sum())
        return Means(
            labels=tuple(self.labels),
            seeds=tuple(seeds),
            observed_IS=observed,
            resampled_BIS=resampled,
            n=n,
        )

    def examples(self, resampled_BPL: Array) -> Examples:
        """How other test examples would change the gain of every pair in every language."""
        labels = [label for label in self.labels if label != BASELINE]
        drawn = np.full(
            (len(resampled_BPL), len(labels), len(self.languages)), np.nan, dtype=np.float32
        )
        for i, label in enumerate(labels):
            both = self.value.loc[label].index.intersection(self.value.loc[BASELINE].index)
            for column, language in enumerate(self.languages):
                seeds = [seed for seed, other in both if other == language]
                sides = [
                    [self.phases.index(self._phase(name, seed, language)) for seed in seeds]
                    for name in (label, BASELINE)
                ]
                if seeds:
                    pair_B, base_B = (resampled_BPL[:, side, column].mean(axis=1) for side in sides)
                    gain_B = gain(pair_B, base_B)
                    drawn[:, i, column] = gain_B - gain_B.mean()
        n = int(self.group["n"].min())
        return Examples(labels=tuple(labels), languages=tuple(self.languages), drawn_BIL=drawn, n=n)

    def _paired(self, label: str, reference: str, resampled_BPL: Array) -> _Paired | None:
        """An intermediate and its reference; None where they share no seed or no language."""
        pair, base = (self.value.loc[name] for name in (label, reference))
        seeds, languages = _shared(pair, base)
        if not seeds or not languages:
            return None
        info = pair.loc[seeds[0]].loc[languages]
        info = info.assign(same_data=bool(pair["same_data"].any() or base["same_data"].any()))
        means_LT, levels = quantities(
            languages, info["zero_shot"].to_numpy(dtype=bool), info["seen"].tolist()
        )
        phases = [
            tuple(self._phase(name, s, languages[0]) for name in (label, reference)) for s in seeds
        ]
        # Distinct evaluations: one that stands under two seeds counts once.
        distinct = [phases.index(both) for both in dict.fromkeys(phases)]
        scores_SL, reference_SL = (
            _grid(side["value"], seeds, languages)[distinct] for side in (pair, base)
        )
        columns = [self.languages.index(language) for language in languages]
        sides = [[self.phases.index(phases[i][side]) for i in distinct] for side in (0, 1)]
        drawn = [resampled_BPL[:, side][:, :, columns] for side in sides]
        return _Paired(
            label=label,
            seeds=tuple(seeds[i] for i in distinct),
            scores_SL=scores_SL,
            reference_SL=reference_SL,
            drawn_BSL=gain(*drawn),
            means_LT=means_LT,
            levels=levels,
            n_T=(means_LT > 0).T @ info["n"].to_numpy(dtype=float),
            info=info,
        )

    def _rows(self, paired: _Paired, confidence: float) -> Iterator[dict[str, Any]]:
        """A row for each quantity."""
        info, means_LT, n_T, seeds = paired.info, paired.means_LT, paired.n_T, len(paired.seeds)
        rng = resampling_stream(*self.entropy, seeds)
        estimated = estimate(
            gain(paired.scores_SL, paired.reference_SL),
            paired.drawn_BSL,
            means_LT,
            n_T,
            rng,
            confidence,
        )
        averages = {
            "score": paired.scores_SL.mean(axis=0) @ means_LT,
            "baseline": paired.reference_SL.mean(axis=0) @ means_LT,
        }
        for t, (level, language) in enumerate(paired.levels):
            yield {
                **self.keys,
                "intermediate": paired.label,
                "level": level,
                "language": language,
                **{name: float(values[t]) for name, values in averages.items()},
                **{
                    name: float(getattr(estimated, name)[t])
                    for name in ("gain", "low", "high", "se", "df", "p")
                },
                "p_holm": np.nan,
                "n": int(n_T[t]),
                "seeds": seeds,
                "languages": int((means_LT[:, t] > 0).sum()),
                "seen": info["seen"].iloc[t]
                if level == "language"
                else {"seen": True, "unseen": False}.get(level),
                "zero_shot": bool(info["zero_shot"].iloc[t])
                if level == "language"
                else level != "mean",
                "same_data": bool(info["same_data"].any()),
            }

    def _phase(self, label: str, seed: int, language: str) -> str:
        return str(self._phase_of[label, seed, language])


def _shared(pair: pd.DataFrame, base: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Seeds that both sides have, and languages that both have for all of these seeds."""
    both = pair.index.intersection(base.index)
    seeds = sorted(set(both.get_level_values(0)))
    languages = [
        language
        for language in dict.fromkeys(pair.index.get_level_values(1))
        if all((s, language) in both for s in seeds)
    ]
    return seeds, languages


def _grid(values: pd.Series, seeds: Sequence[int], languages: Sequence[str]) -> Array:
    return np.array(
        [[values[(s, language)] for language in languages] for s in seeds], dtype=np.float64
    )

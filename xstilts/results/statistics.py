"""Gains with their uncertainty, from the stored predictions of a sweep.

A gain is a pair's score less the baseline's, averaged over seeds. Two things make it uncertain: the
test set holds these examples and not others, and the training used these seeds and not others.
`resampled.py` reads the predictions, `bootstrap.py` takes a pair's uncertainty apart, and
`moderated.py` estimates the spread over seeds from all pairs together and makes intervals and
p-values. This module pairs each intermediate with the baseline and makes a row for each language
and for the means over all languages, over the zero-shot ones, and, among these, over the seen and
over the unseen ones.

Holm's correction takes all pairs and languages of the sweep as one family; each kind of mean is a
family of its own. Only primary metrics are tested.

`compare` compares any two intermediates in the same way, for `arms.py`; the spread over seeds is
then that of all these comparisons.

Random numbers depend on the seed, the model, the target and the example ids alone: adding a pair to
the sweep draws no other examples for the others (except in mining, where the ids are what the
systems proposed). Their intervals change all the same, since the new pair says something about the
spread over seeds. Legend as in `bootstrap.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.bootstrap import Parts, holm, parts, quantities
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
from xstilts.results.in_processes import Processes
from xstilts.results.moderated import moderate
from xstilts.results.resampled import Predictions
from xstilts.scoring.gains import gain
from xstilts.scoring.metrics import Array
from xstilts.spec.sweep import BASELINE
from xstilts.store.phases import Store
from xstilts.store.reading import Damage, ReadStore

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
    points; `n` is the number of examples, `seeds` the number of distinct seeds, `interval_over`
    what the interval is over: seeds and examples, or, where no pair has two seeds, test examples
    alone; such rows have no p-value. Intervals and p-values are empty where predictions are missing
    or damaged, and `scores.problems` of the result says so.
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
    processes: Processes | None = None,
) -> Comparison:
    """The gains, and the resampled scores of each target, for averages over targets.

    `against`: pairs (intermediate, reference) that are compared as well; `processes` compare
    targets, by default this one.
    """
    import pandas as pd

    final = scores[scores["primary"]]
    groups = [
        group for _, group in final.groupby(["sweep", "model", "target", "metric"], sort=False)
    ]
    asked = [
        _Asked(group=group, store=store.address, resamples=resamples, seed=seed, against=against)
        for group in groups
    ]
    if processes is not None and processes.several:
        found = processes.mapped(_compared, asked, [len(one.group) for one in asked])
    else:
        found = [_compared(one, store) for one in asked]
    for damage in (damage for one in found for damage in one.damages):
        if isinstance(store, ReadStore):
            store.note(damage)
    problems = [problem for one in found for problem in one.problems]
    paired = [pair for one in found for pair in one.paired]
    contrasted = [pair for one in found for pair in one.contrasted]
    means = {one.key: one.means for one in found if one.means is not None}
    examples = {one.key: one.examples for one in found if one.examples is not None}
    rows = [row for own in _rows(paired, confidence) for row in own]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seen": "boolean"})
    for level in LEVELS:
        family = frame["level"] == level
        frame.loc[family, "p_holm"] = holm(frame.loc[family, "p"].to_numpy(dtype=float))
    frame.attrs["problems"] = problems
    contrasts = zip(contrasted, _rows(contrasted, confidence), strict=True)
    return Comparison(
        gains=frame,
        means=means,
        examples=examples,
        contrasts=tuple(_contrast(one, own) for one, own in contrasts),
    )


@dataclass(frozen=True, kw_only=True)
class _Paired:
    """An intermediate and its reference in the seeds and languages that both have; an evaluation
    that stands under two seeds counts once.
    """

    keys: Mapping[str, Any]
    """Sweep, model, target and metric."""
    label: str
    reference: str
    seeds: tuple[int, ...]
    scores_SL: Array
    reference_SL: Array
    drawn: Mapping[int, Array]
    """Place of an average among `levels` to its difference under resampled test examples `(B, S)`;
    empty where nobody asks for it. Those of all pairs and languages would fill the memory.
    """
    parts: Parts
    """What makes the differences uncertain."""
    means_LT: Array
    levels: list[tuple[str, str]]
    n_T: Array
    info: pd.DataFrame
    """Rows of the languages."""

    @property
    def shared(self) -> frozenset[tuple[str, ...]]:
        """The trainings it rests on. All gains rest on the baseline's model, which is no
        training.
        """
        model, target = self.keys["model"], self.keys["target"]
        labels = (self.label, self.reference)
        return frozenset(
            [(model, label, target) for label in labels]
            + [(model, label) for label in labels if label != BASELINE]
        )


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One target to be compared, maybe by another process."""

    group: pd.DataFrame
    """Its rows of the scores table."""
    store: str
    resamples: int
    seed: int
    against: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """What came out for one target."""

    key: tuple[str, str]
    """Model and target."""
    paired: list[_Paired]
    contrasted: list[_Paired]
    means: Means | None
    examples: Examples | None
    problems: list[str]
    damages: list[Damage]
    """What another process met in the store."""


def _compared(asked: _Asked, store: Store | None = None) -> _Compared:
    """Compares the pairs of one target; `store` is None in another process, which opens it."""
    own = ReadStore(asked.store) if store is None else store
    problems: list[str] = []
    target = _Target(asked.group, own, asked.seed, problems)
    pairs = [pair for pair in asked.against if {*pair} <= {*target.labels}]
    paired: list[_Paired] = []
    contrasted: list[_Paired] = []
    means = examples = None
    if target.comparable or pairs:
        resampled_BPL = target.predictions.resampled(asked.resamples)
        contrasted = list(target.paired(pairs, resampled_BPL, drawn=True))
        if target.comparable:
            baseline = [(label, BASELINE) for label in target.labels if label != BASELINE]
            paired = list(target.paired(baseline, resampled_BPL))
            means, examples = target.means(resampled_BPL), target.examples(resampled_BPL)
    return _Compared(
        key=(target.keys["model"], target.keys["target"]),
        paired=paired,
        contrasted=contrasted,
        means=means,
        examples=examples,
        problems=problems,
        damages=own.damages if store is None and isinstance(own, ReadStore) else [],
    )


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
        self._value_of = self.value["value"].to_dict()
        self._place = {phase: place for place, phase in enumerate(self.phases)}

    @property
    def comparable(self) -> bool:
        """Whether there are a baseline and at least one intermediate."""
        return BASELINE in self.labels and len(self.labels) > 1

    def paired(
        self, pairs: Sequence[tuple[str, str]], resampled_BPL: Array, *, drawn: bool = False
    ) -> Iterator[_Paired]:
        """The intermediates of `pairs`, each with its reference, where the two can be compared;
        with `drawn`, also how resampled examples change their averages.
        """
        for label, reference in pairs:
            found = self._paired(label, reference, resampled_BPL, drawn)
            if found is not None:
                yield found

    def means(self, resampled_BPL: Array) -> Means:
        """Means over all languages of the target."""
        seeds = sorted(set(self.group["seed"]))
        shape = (len(self.labels), len(seeds))
        observed, resampled = np.full(shape, np.nan), np.full((len(resampled_BPL), *shape), np.nan)
        for i, label in enumerate(self.labels):
            for s, seed in enumerate(seeds):
                keys = [(label, seed, language) for language in self.languages]
                if all(key in self._value_of for key in keys):
                    phase = self._place[self._phase(label, seed, self.languages[0])]
                    observed[i, s] = np.mean([self._value_of[key] for key in keys])
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
                    [self._place[self._phase(name, seed, language)] for seed in seeds]
                    for name in (label, BASELINE)
                ]
                if seeds:
                    pair_B, base_B = (resampled_BPL[:, side, column].mean(axis=1) for side in sides)
                    gain_B = gain(pair_B, base_B)
                    drawn[:, i, column] = gain_B - gain_B.mean()
        n = int(self.group["n"].min())
        return Examples(labels=tuple(labels), languages=tuple(self.languages), drawn_BIL=drawn, n=n)

    def _paired(
        self, label: str, reference: str, resampled_BPL: Array, drawn: bool
    ) -> _Paired | None:
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
            self._grid(name, seeds, languages)[distinct] for name in (label, reference)
        )
        columns = [self.languages.index(language) for language in languages]
        sides = [[self._place[phases[i][side]] for i in distinct] for side in (0, 1)]
        drawn_BSL = gain(*(resampled_BPL[:, side][:, :, columns] for side in sides))
        n_T = (means_LT > 0).T @ info["n"].to_numpy(dtype=float)
        averages = [t for t, (level, _) in enumerate(levels) if drawn and level in AVERAGES]
        return _Paired(
            keys=self.keys,
            label=label,
            reference=reference,
            seeds=tuple(seeds[i] for i in distinct),
            scores_SL=scores_SL,
            reference_SL=reference_SL,
            drawn={t: drawn_BSL @ means_LT[:, t] for t in averages},
            parts=parts(gain(scores_SL, reference_SL), drawn_BSL, means_LT, n_T),
            means_LT=means_LT,
            levels=levels,
            n_T=n_T,
            info=info,
        )

    def _grid(self, label: str, seeds: Sequence[int], languages: Sequence[str]) -> Array:
        """The scores `(S, L)` of an intermediate."""
        values = self._value_of
        return np.array([[values[label, seed, one] for one in languages] for seed in seeds], float)

    def _phase(self, label: str, seed: int, language: str) -> str:
        return str(self._phase_of[label, seed, language])


def _rows(paired: Sequence[_Paired], confidence: float) -> list[list[dict[str, Any]]]:
    """For each pair a row for each quantity; the spread over seeds is that of all of them."""
    kinds = [[level for level, _ in one.levels] for one in paired]
    shared = [one.shared for one in paired]
    found = moderate([one.parts for one in paired], kinds, shared, confidence)
    numbers = [
        {
            "interval_over": str(found.over[r]),
            **{
                name: float(getattr(found, name)[r])
                for name in ("gain", "low", "high", "se", "df", "p")
            },
        }
        for r in range(len(found.gain))
    ]
    ends = np.cumsum([len(own) for own in kinds])
    return [
        [_row(one, t, numbers[end - len(one.levels) + t]) for t in range(len(one.levels))]
        for one, end in zip(paired, ends, strict=True)
    ]


def _row(one: _Paired, t: int, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the pair's quantity `t`."""
    (level, language), weights, info = one.levels[t], one.means_LT[:, t], one.info
    return {
        **one.keys,
        "intermediate": one.label,
        "level": level,
        "language": language,
        "score": float(one.scores_SL.mean(axis=0) @ weights),
        "baseline": float(one.reference_SL.mean(axis=0) @ weights),
        **numbers,
        "p_holm": np.nan,
        "n": int(one.n_T[t]),
        "seeds": len(one.seeds),
        "languages": int((weights > 0).sum()),
        "seen": info["seen"].iloc[t]
        if level == "language"
        else {"seen": True, "unseen": False}.get(level),
        "zero_shot": bool(info["zero_shot"].iloc[t]) if level == "language" else level != "mean",
        "same_data": bool(info["same_data"].any()),
    }


def _contrast(one: _Paired, rows: Sequence[Mapping[str, Any]]) -> Contrast:
    """An intermediate against its reference, from their rows."""
    averages = {
        row["level"]: Average(
            row=row,
            score_S=one.scores_SL @ weights,
            reference_S=one.reference_SL @ weights,
            drawn_BS=one.drawn[t],
        )
        for t, (weights, row) in enumerate(zip(one.means_LT.T, rows, strict=True))
        if row["level"] in AVERAGES
    }
    return Contrast(
        model=one.keys["model"],
        target=one.keys["target"],
        label=one.label,
        reference=one.reference,
        seeds=one.seeds,
        averages=averages,
    )


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

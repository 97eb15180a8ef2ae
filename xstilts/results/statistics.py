"""Gains with their uncertainty, from the stored predictions of a sweep.

A gain is a pair's score less the baseline's, averaged over seeds. Two things make it uncertain: the
test holds these examples and not others, and the training used these seeds and not others.
`bootstrap.py` has the statistics; this module reads the predictions of the pair and of the
baseline, aligns them by example id, and makes a row of what comes out, for each language and for
the means over all languages, over the zero-shot ones, and of these over the seen and the unseen.

Holm's correction takes all pairs and languages of the sweep as one family; each kind of mean is a
family of its own. Only primary metrics are tested.

`compare` sets any two intermediates against each other in the same way, for `arms.py`.

Random numbers depend on the seed, the model, the target and the ids alone: a pair more in the sweep
changes no other pair's interval (but in mining, where the ids are what the systems found). Legend
as in `bootstrap.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.errors import CorruptError, StoreError
from xstilts.results.bootstrap import estimate, holm, quantities, resample
from xstilts.results.scores import plain
from xstilts.scoring.metrics import METRICS, Array
from xstilts.spec.seeds import resampling_stream
from xstilts.spec.sweep import BASELINE
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000
TOLERANCE = 0.01
"""Percent points by which a score may differ from what its predictions give."""
PROPOSED = ("mining_f1", "mining_best_f1")
"""Metrics over what a system proposes: a row that a system lacks counts nothing for it, so the
examples that are drawn are the true pairs and all that any system proposed.
"""
LEVELS = ("language", "mean", "zero_shot", "seen", "unseen")
"""What a row of the gains is about: one language, the mean over all, over the zero-shot ones, and
of these over those that the base model was pretrained on and over those it was not.
"""
AVERAGES = ("mean", "zero_shot")
"""Levels at which two intermediates are set against each other."""
COLUMNS = (
    "sweep",
    "model",
    "intermediate",
    "target",
    "metric",
    "level",
    "language",
    "baseline",
    "score",
    "gain",
    "low",
    "high",
    "se",
    "df",
    "p",
    "p_holm",
    "n",
    "seeds",
    "languages",
    "seen",
    "zero_shot",
    "same_data",
)


@dataclass(frozen=True, kw_only=True)
class Means:
    """A target's score, the mean over its languages, of every intermediate and seed, as it is and
    resampled.
    """

    labels: tuple[str, ...]
    """Intermediates `I`, the baseline among them."""
    seeds: tuple[int, ...]
    observed_IS: Array
    """Percent; NaN where a pair lacks a seed or a language."""
    resampled_BIS: Array
    """The same under resampled test examples; NaN, too, where predictions can't be read."""
    n: int
    """Examples of all languages."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What other test examples would change in a target's gains."""

    labels: tuple[str, ...]
    """Intermediates `I`, without the baseline."""
    languages: tuple[str, ...]
    drawn_BIL: np.ndarray[Any, np.dtype[np.float32]]
    """Gain under resampled examples less its mean over them, the mean over the pair's seeds; NaN
    where it is not known. Single precision.
    """
    n: int
    """Examples of the language that has the fewest."""


@dataclass(frozen=True, kw_only=True)
class Average:
    """A mean over languages of two intermediates by seed, and their difference under resampled test
    examples.
    """

    row: Mapping[str, Any]
    """As a row of the gains; `baseline` is the reference's score."""
    score_S: Array
    reference_S: Array
    drawn_BS: Array
    """Difference under resampled test examples; NaN where predictions can't be read."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One intermediate against another before one target, paired by seed, language and example."""

    model: str
    target: str
    label: str
    reference: str
    seeds: tuple[int, ...]
    averages: Mapping[str, Average]
    """By level: `mean` and, where there are such languages, `zero_shot`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one pass over all predictions of a sweep yields."""

    gains: pd.DataFrame
    """A row for each pair and quantity; see `COLUMNS`."""
    means: Mapping[tuple[str, str], Means]
    """By model and target; targets without a baseline are not there."""
    examples: Mapping[tuple[str, str], Examples]
    """The same targets."""
    contrasts: tuple[Contrast, ...] = ()
    """Of the intermediates that were to be set against each other, where both share a seed and a
    language.
    """


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
    """The gains, and the resampled scores of every target that averages over targets are made of.

    `against`: (intermediate, its reference) to be set against each other, too.
    """
    import pandas as pd

    final = scores[scores["primary"]]
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    means: dict[tuple[str, str], Means] = {}
    examples: dict[tuple[str, str], Examples] = {}
    contrasts: list[Contrast] = []
    for _, group in final.groupby(["sweep", "model", "target", "metric"], sort=False):
        target = _Target(group, store, resamples, seed, problems)
        both = [pair for pair in against if {*pair} <= {*target.labels}]
        if not target.comparable and not both:
            continue
        resampled_BPL = target.resampled()
        contrasts.extend(target.contrasts(both, resampled_BPL, confidence))
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
    """What an intermediate and its reference share: distinct evaluations by seed, and languages."""

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

    def __init__(
        self, group: pd.DataFrame, store: Store, resamples: int, seed: int, problems: list[str]
    ) -> None:
        self.group, self.store, self.resamples, self.problems = group, store, resamples, problems
        self.keys = {k: group[k].iloc[0] for k in ("sweep", "model", "target", "metric")}
        self.metric = METRICS[self.keys["metric"]]
        self.entropy = (seed, self.keys["model"], self.keys["target"])
        self.languages = list(dict.fromkeys(group["language"]))
        self.phases = list(dict.fromkeys(group["phase"]))
        self.labels = list(dict.fromkeys(group["intermediate"]))
        self.value = group.drop_duplicates(["intermediate", "seed", "language"]).set_index(
            ["intermediate", "seed", "language"]
        )

    @property
    def comparable(self) -> bool:
        """Whether there are a baseline and a pair."""
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
        """Every intermediate that has a reference other than the baseline."""
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
        """What other test examples would change, of every pair in every language."""
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
                    drawn[:, i, column] = pair_B - base_B - (pair_B - base_B).mean()
        n = int(self.group["n"].min())
        return Examples(labels=tuple(labels), languages=tuple(self.languages), drawn_BIL=drawn, n=n)

    def _paired(self, label: str, reference: str, resampled_BPL: Array) -> _Paired | None:
        """Two intermediates side by side; None where they share no seed or no language."""
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
        one_each = [
            phases.index(both) for both in dict.fromkeys(phases)
        ]  # one evaluation under two seeds is one
        scores_SL, reference_SL = (
            _grid(side["value"], seeds, languages)[one_each] for side in (pair, base)
        )
        columns = [self.languages.index(language) for language in languages]
        sides = [[self.phases.index(phases[i][side]) for i in one_each] for side in (0, 1)]
        drawn = [resampled_BPL[:, side][:, :, columns] for side in sides]
        return _Paired(
            label=label,
            seeds=tuple(seeds[i] for i in one_each),
            scores_SL=scores_SL,
            reference_SL=reference_SL,
            drawn_BSL=drawn[0] - drawn[1],
            means_LT=means_LT,
            levels=levels,
            n_T=(means_LT > 0).T @ info["n"].to_numpy(dtype=float),
            info=info,
        )

    def _rows(self, paired: _Paired, confidence: float) -> Iterator[dict[str, Any]]:
        """A row for each quantity."""
        info, means_LT, n_T, seeds = paired.info, paired.means_LT, paired.n_T, len(paired.seeds)
        rng = resampling_stream(*self.entropy, seeds)
        found = estimate(
            paired.scores_SL - paired.reference_SL, paired.drawn_BSL, means_LT, n_T, rng, confidence
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
                    name: float(getattr(found, name)[t])
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
        return str(self.value.at[(label, seed, language), "phase"])

    def resampled(self) -> Array:
        """Metric values of every phase and language under resampled examples; NaN where
        unreadable.
        """
        values = np.full((self.resamples, len(self.phases), len(self.languages)), np.nan)
        by_ids: dict[str, list[tuple[int, dict[int, Array]]]] = {}
        for column, language in enumerate(self.languages):
            ids, tables = self._tables(language)
            by_ids.setdefault("\n".join(ids), []).append((column, tables))
        for key, members in by_ids.items():
            blocks = [
                (column, p, block) for column, tables in members for p, block in tables.items()
            ]
            if not blocks or not len(blocks[0][2]):
                continue
            rng = resampling_stream(*self.entropy, key)
            n = np.full(self.resamples, float(len(blocks[0][2])))
            sums = resample([block for _, _, block in blocks], self.resamples, rng)
            for (column, p, _), sums_BK in zip(blocks, sums, strict=True):
                values[:, p, column] = self.metric.value(sums_BK, n)
        return values

    def _tables(self, language: str) -> tuple[list[str], dict[int, Array]]:
        """Ids of a language's examples, and for each phase (by its place) their statistics `(N,
        K)`.
        """
        read: dict[int, tuple[list[str], Array]] = {}
        rows = self.group[self.group["language"] == language]
        rows = rows.assign(first=rows["intermediate"] != BASELINE).sort_values(
            "first", kind="stable"
        )
        for row in rows.drop_duplicates("phase").itertuples():
            try:
                # type: ignore[arg-type]
                found, block = self._statistics(str(row.phase), language, float(row.value))
                ids = next(iter(read.values()))[0] if read else found
                if found != ids and self.metric.name not in PROPOSED:
                    raise CorruptError(
                        "its examples are not those of the baseline; the two can't be paired"
                    )
            except (StoreError, OSError, ValueError, KeyError) as error:
                where = (
                    f"{row.model}, {row.intermediate} → {row.target}, {language}, phase {row.phase}"
                )
                self.problems.append(f"{where}: no interval: {plain(error, self.store)}")
                continue
            read[self.phases.index(str(row.phase))] = (found, block)
        ids = sorted({one for found, _ in read.values() for one in found})
        return ids, {place: _placed(found, block, ids) for place, (found, block) in read.items()}

    def _statistics(self, phase: str, language: str, value: float) -> tuple[list[str], Array]:
        """Sorted ids and statistics `(N, K)`; CorruptError where they don't give the score."""
        found = self.store.phase(phase).predictions(language, ["id", *self.metric.statistics])
        columns = {
            name: found[name].to_numpy().astype(np.float64) for name in self.metric.statistics
        }
        again = self.metric.of(columns)
        if abs(again - value) > TOLERANCE:
            raise CorruptError(
                f"{language}.parquet: its {self.metric.name} is {again:.2f} but the score says "
                f"{value:.2f}"
            )
        ids = np.array([str(example) for example in found["id"].to_pylist()])
        order = np.argsort(ids, kind="stable")
        return ids[order].tolist(), np.stack(list(columns.values()), axis=1)[order]


def _placed(found: list[str], block: Array, ids: list[str]) -> Array:
    """The statistics of `found` at their places among `ids`, both sorted; nothing where one is not
    there.
    """
    if found == ids:
        return block
    placed = np.zeros((len(ids), block.shape[1]))
    placed[np.searchsorted(ids, found)] = block
    return placed


def _shared(pair: pd.DataFrame, base: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Seeds that both sides ran, and languages that both have for all of these seeds."""
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

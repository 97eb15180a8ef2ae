"""Arms of one task: is it better translated, mixed with masked LM, or mixed at other rates?

A gain compares an intermediate with no intermediate at all. These questions are about two
intermediates that differ in one thing, so the two are compared with each other, just as
`statistics.compare` compares a pair with the baseline: paired by seed, language and test example.
`arm_pairs.pairs` says which are compared.

A row names the settings in which the two differ besides. Over all targets the difference is the
unweighted mean over targets, or over the benchmark's tasks where the sweep has all of them. Seeds
vary for all targets at once, since all targets of a seed share one intermediate. The spread over
seeds is estimated from all comparisons of the table together (`moderated.py`), that of the means
over targets from all such means. Holm's correction takes all numbers of the table as one family.
Where nothing has two seeds the intervals are over test examples alone, and nothing is tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.results.arm_pairs import QUESTIONS, Pair, pairs
from xstilts.results.benchmarks import Benchmark, label, official
from xstilts.results.bootstrap import Parts, holm, parts
from xstilts.results.compared import AVERAGES, Average, Comparison, Contrast
from xstilts.results.moderated import moderate
from xstilts.results.summary import verdict
from xstilts.scoring.gains import gain
from xstilts.spec.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

ALL = ""
"""The target of a row about all targets."""
COLUMNS = (
    "sweep",
    "model",
    "kind",
    "arm",
    "reference",
    "settings",
    "target",
    "metric",
    "level",
    "reference_score",
    "score",
    "gain",
    "low",
    "high",
    "se",
    "df",
    "p",
    "p_holm",
    "interval_over",
    "n",
    "seeds",
    "languages",
    "targets",
    "same_data",
)


@dataclass(frozen=True, kw_only=True)
class Arms:
    """The section of one model."""

    model: str
    sentence: str
    """What the differences show, in words."""
    kinds: Mapping[str, tuple[Pair, ...]]
    """Question to its pairs."""
    cells: Mapping[tuple[str, str, str], Mapping[str, dict[str, Any]]]
    """(arm, reference, target or ALL) to level (`mean`, `zero_shot`) to row of the table."""
    average: str
    """Name of a mean over all targets."""
    averages: Mapping[tuple[str, str], str]
    """(arm, reference) to the name of their mean over targets."""
    targets: tuple[str, ...]
    missing: tuple[tuple[Pair, str], ...]
    """Pairs that can't be compared, and the targets where they can't."""
    seeds: int
    """Of the sweep."""
    limit: float
    any_same_data: bool


def table(sweep: Sweep, compared: Comparison, benchmark: Benchmark) -> pd.DataFrame:
    """A row for each pair, target and level, and for the mean over all targets; see COLUMNS.

    `compared` is the result of `statistics.compare(..., against=...)` with these pairs. `gain` is
    the arm's score less the reference's.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    means: list[_Mean] = []
    for model in dict.fromkeys(one.model for one in compared.contrasts):
        for pair in pairs(sweep):
            own = {
                one.target: one
                for one in compared.contrasts
                if (one.model, one.label, one.reference) == (model, pair.arm, pair.reference)
            }
            there = [own[target] for target in sweep.targets if target in own]
            names = {
                "model": model,
                "kind": pair.kind,
                "arm": pair.arm,
                "reference": pair.reference,
                "settings": "; ".join(pair.settings),
            }
            rows.extend({**names, **row} for one in there for row in _target(one))
            counted = [own[name] for name in _counted(sweep, benchmark, own)]
            overall = [_overall(sweep, level, counted) for level in AVERAGES]
            own_means = [replace(one, row={**names, **one.row}) for one in overall if one]
            rows.extend(one.row for one in own_means)
            means.extend(own_means)
    _judge(means)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["p_holm"] = holm(frame["p"].to_numpy(dtype=float))
    return frame


def section(model: str, frame: pd.DataFrame, sweep: Sweep, benchmark: Benchmark) -> Arms | None:
    """The section of one model, from `table`; None where nothing is compared."""
    rows = [
        {str(k): v for k, v in row.items()}
        for row in frame[frame["model"] == model].to_dict("records")
    ]
    if not rows:
        return None
    cells: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["arm"], row["reference"], row["target"]), {})[row["level"]] = row
    every = pairs(sweep)
    there = {
        (p.arm, p.reference): [t for t in sweep.targets if (p.arm, p.reference, t) in cells]
        for p in every
    }
    lost = [(p, [t for t in sweep.targets if t not in there[p.arm, p.reference]]) for p in every]
    return Arms(
        model=model,
        sentence=_sentence(rows, sweep),
        cells=cells,
        targets=sweep.targets,
        seeds=len(sweep.seeds),
        kinds={
            QUESTIONS[kind]: own
            for kind in QUESTIONS
            if (own := tuple(p for p in every if p.kind == kind))
        },
        average=_called(sweep, benchmark, sweep.targets),
        averages={both: _called(sweep, benchmark, targets) for both, targets in there.items()},
        missing=tuple((pair, ", ".join(targets)) for pair, targets in lost if targets),
        limit=max(1.0, *(abs(row["gain"]) for row in rows)),
        any_same_data=any(row["same_data"] for row in rows),
    )


def _sentence(rows: Sequence[Mapping[str, Any]], sweep: Sweep) -> str:
    """The means over all targets in words (or those of the only target)."""
    over = ALL if len(sweep.targets) > 1 else sweep.targets[0]
    asked = [row for row in rows if row["level"] == "mean" and row["target"] == over]
    where = "in the mean over targets" if over == ALL else f"on {over}"
    tested = [row for row in asked if row["p"] == row["p"]]
    if not tested:
        return "Nothing is tested: " + (
            "one seed." if len(sweep.seeds) == 1 else "there are too few scores yet."
        )
    counts = Counter(verdict(row) for row in tested)
    return (
        f"Of {len(tested)} comparison{'' if len(tested) == 1 else 's'} {where}, {counts['gain']} "
        f"{'is' if counts['gain'] == 1 else 'are'} significantly above the reference, "
        f"{counts['loss']} below, and {counts['open']} not significantly different."
    )


def _target(one: Contrast) -> Iterator[dict[str, Any]]:
    for average in one.averages.values():
        yield {**average.row, "reference_score": average.row["baseline"], "targets": 1}


def _counted(
    sweep: Sweep, benchmark: Benchmark, targets: Mapping[str, Any] | Sequence[str]
) -> list[str]:
    """The targets that count in a mean over targets: the benchmark's tasks where the sweep has all
    of them, else all targets.
    """
    there = [name for name in sweep.targets if name in targets]
    whole = [name for name in there if official(sweep.task(name), benchmark)]
    return whole if benchmark.title and len(whole) == len(benchmark.parts) else there


def _called(sweep: Sweep, benchmark: Benchmark, targets: Sequence[str]) -> str:
    counted = _counted(sweep, benchmark, targets)
    if benchmark.title and {*counted} == {*benchmark.tasks}:
        return label(counted, benchmark)
    of = "" if len(counted) == len(sweep.targets) else f" of {len(sweep.targets)}"
    return f"mean of {len(counted)}{of} targets"


@dataclass(frozen=True, kw_only=True)
class _Mean:
    """A mean over targets before it is judged, and what makes it uncertain."""

    row: dict[str, Any]
    parts: Parts


def _overall(sweep: Sweep, level: str, counted: Sequence[Contrast]) -> _Mean | None:
    """The mean over targets, over the seeds that all of them have; None for fewer than two
    targets.
    """
    there = [one for one in counted if level in one.averages]
    seeds = [seed for seed in sweep.seeds if all(seed in one.seeds for one in there)]
    if len(there) < 2 or not seeds:
        return None
    places = [[one.seeds.index(seed) for seed in seeds] for one in there]
    sides: list[tuple[Average, list[int]]] = [
        (one.averages[level], at) for one, at in zip(there, places, strict=True)
    ]
    score_ST, reference_ST = (
        np.stack([getattr(one, name)[at] for one, at in sides], axis=1)
        for name in ("score_S", "reference_S")
    )
    drawn_BST = np.stack([one.drawn_BS[:, at] for one, at in sides], axis=2)
    n = sum(int(one.row["n"]) for one, _ in sides)
    mean_T1 = np.full((len(there), 1), 1 / len(there))
    row = {
        "sweep": sweep.name,
        "target": ALL,
        "metric": "",
        "level": level,
        "score": float(score_ST.mean()),
        "reference_score": float(reference_ST.mean()),
        "n": n,
        "seeds": len(seeds),
        "languages": sum(int(one.row["languages"]) for one, _ in sides),
        "targets": len(there),
        "same_data": any(bool(one.row["same_data"]) for one, _ in sides),
    }
    observed_ST = gain(score_ST, reference_ST)
    return _Mean(row=row, parts=parts(observed_ST, drawn_BST, mean_T1, np.array([float(n)])))


def _judge(means: Sequence[_Mean]) -> None:
    """Adds intervals and p-values to the rows of the means over targets; they share what their
    arms share.
    """
    rows = [one.row for one in means]
    shared = [frozenset((row["model"], row[side]) for side in ("arm", "reference")) for row in rows]
    found = moderate([one.parts for one in means], [[row["level"]] for row in rows], shared)
    for r, row in enumerate(rows):
        row["interval_over"] = str(found.over[r])
        for name in ("gain", "low", "high", "se", "df", "p"):
            row[name] = float(getattr(found, name)[r])

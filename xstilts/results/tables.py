"""The report's tables of gains and scores, as values for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xstilts.results import summary
from xstilts.results.compared import LEVELS
from xstilts.results.scores import mean_over_languages
from xstilts.results.unreadable import NOT_READABLE, Lost
from xstilts.spec.sweep import BASELINE, Sweep

if TYPE_CHECKING:
    import pandas as pd


def matrix(gains: pd.DataFrame, sweep: Sweep, lost: Lost) -> list[dict[str, Any]]:
    """For each model a table of intermediates by targets, with the gain of the mean over all
    languages and over zero-shot ones. `lacking`: why a cell has none, where a score can't be read.
    """
    labels = [label for label in sweep.labels if label != BASELINE]
    tables = []
    for model in models(gains, lost):
        group = gains[gains["model"] == model]
        cells = {
            level: {
                (r["intermediate"], r["target"]): r
                for r in _records(group[group["level"] == level])
            }
            for level in ("mean", "zero_shot")
        }
        tables.append(
            {
                "model": model,
                "targets": sweep.targets,
                "intermediates": labels,
                **cells,
                "lacking": _lacking(str(model), labels, sweep.targets, lost),
                "limit": max(1.0, group.loc[group["level"] == "mean", "gain"].abs().max()),
            }
        )
    return tables


def models(frame: pd.DataFrame, lost: Lost) -> list[str]:
    """Models of a table, then those of which nothing can be read."""
    return list(dict.fromkeys([*frame["model"], *(model for model, _, _ in lost)]))


def _lacking(
    model: str, labels: Sequence[str], targets: Sequence[str], lost: Lost
) -> dict[tuple[str, str], str]:
    """Intermediate and target to why there is no gain, where its score or its baseline's can't be
    read.
    """
    return {
        (label, target): NOT_READABLE if own else f"baseline {NOT_READABLE}"
        for label in labels
        for target in targets
        if (own := (model, label, target) in lost) or (model, BASELINE, target) in lost
    }


def absolute(table: pd.DataFrame, sweep: Sweep, lost: Lost) -> list[dict[str, Any]]:
    """For each model the scores, baseline included: mean over languages, then over seeds. `lost`:
    intermediate and target to the seeds that can't be read, which the mean lacks.
    """
    tables = []
    primary = table[table["primary"]]
    for model in models(primary, lost):
        group = primary[primary["model"] == model]
        scores = mean_over_languages(group, ["intermediate", "target"], "seed").to_dict()
        metrics = dict(zip(group["target"], group["metric"], strict=True))
        tables.append(
            {
                "model": model,
                "scores": scores,
                "metrics": metrics,
                "lost": {(i, t): sorted(seeds) for (m, i, t), seeds in lost.items() if m == model},
                "targets": sweep.targets,
                "intermediates": list(sweep.labels),
            }
        )
    return tables


def by_language(group: pd.DataFrame) -> dict[str, Any]:
    """The gains on one target of one model: for each intermediate its means and its languages."""
    first = group.iloc[0]
    pairs = []
    for label, rows in group.groupby("intermediate", sort=False):
        levels = {level: _records(rows[rows["level"] == level]) for level in LEVELS}
        verdicts = [summary.verdict(row) for row in levels["language"]]
        pairs.append(
            {
                "intermediate": label,
                "languages": levels["language"],
                "mean": levels["mean"][0],
                "others": {
                    name: next(iter(levels[name]), None) for name in ("zero_shot", "seen", "unseen")
                },
                "up": verdicts.count("gain"),
                "down": verdicts.count("loss"),
            }
        )
    limit = max(1.0, group.loc[group["level"] == "language", "gain"].abs().max())
    return {
        "model": first["model"],
        "name": first["target"],
        "metric": first["metric"],
        "pairs": pairs,
        "limit": limit,
        "seen_known": bool(group.loc[group["level"] == "language", "seen"].notna().any()),
    }


def losses(gains: pd.DataFrame) -> list[dict[str, Any]]:
    """Pairs whose mean is significantly below the baseline."""
    return [
        row for row in _records(gains[gains["level"] == "mean"]) if summary.verdict(row) == "loss"
    ]


def harmful(gains: pd.DataFrame, model: str) -> dict[str, list[str]]:
    """Target to the intermediates that significantly harm it."""
    found: dict[str, list[str]] = {str(target): [] for target in gains["target"]}
    for row in losses(gains[gains["model"] == model]):
        found.setdefault(row["target"], []).append(row["intermediate"])
    return found


def distinct_seeds(gains: pd.DataFrame) -> list[int]:
    """The different numbers of seeds that gains rest on."""
    return sorted({int(seeds) for seeds in gains["seeds"]})


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts; `seen` is None where it is unknown."""
    plain = frame.assign(seen=frame["seen"].astype(object).where(frame["seen"].notna(), None))
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]

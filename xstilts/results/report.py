"""The report: what helped what, by how much and how surely, as Markdown, one HTML file and tables.

`write` reads the ledger and the records, asks `scores` and `statistics` for the numbers and
`summary` for what may be said of them, and renders the two templates with the same values. The HTML
file needs nothing beside itself: pictures are inlined. Everything it shows is also in
`scores.parquet` and `gains.csv` beside it, and `analysis/gains.py` draws the main figures again
from the former alone.

    report.html  report.md  heatmap.png  figures/*.png  scores.parquet  scores.csv  gains.csv
    arms.csv, where a sweep has arms of one task

docs/analysis.md says of every number how it is made and what it may be used for.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import StoreError
from xstilts.results import (
    arm_pairs,
    arms,
    gallery,
    groups,
    headline,
    layers,
    statistics,
    summary,
)
from xstilts.results.benchmarks import deviations, of_targets
from xstilts.results.compared import LEVELS, Comparison
from xstilts.results.figures.style import png, svg
from xstilts.results.lineage import Lineage
from xstilts.results.rendering import render
from xstilts.results.scores import problems, table as scores_table
from xstilts.results.seen import seen
from xstilts.spec.described import rates, transforms
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.spec.task import Task
from xstilts.store.ledger import require
from xstilts.store.local_files import write_bytes
from xstilts.store.phases import Store
from xstilts.store.results import DevScore
from xstilts.store.sweeps import read_sweep
from xstilts.version import __version__

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SHOWN = ("lr", "steps", "batch_size")
"""Hyperparameters with a column of their own."""


def write(
    store: Store,
    folder: Path,
    out: Path,
    *,
    command: str = "",
    resamples: int = statistics.RESAMPLES,
) -> dict[str, Path]:
    """Writes the report of the sweep kept in `folder` into `out`; returns its files by name.

    `command` is shown as what made it. StoreError where nothing has been run, or `out` can't be
    written.
    """
    table, sweep = scores_table(store, folder), read_sweep(folder)
    against = [(pair.arm, pair.reference) for pair in arm_pairs.pairs(sweep)]
    compared = statistics.compare(table, store, resamples=resamples, against=against)
    swept = layers.curves(store, table, sweep)
    pictures = gallery.pictures(store, table, compared.gains, sweep, swept)
    values = context(store, folder, table, compared, swept, command=command, resamples=resamples)
    files = {
        "html": (
            "report.html",
            render("report.html.j2", {**values, "figures": _inline(pictures)}).encode(),
        ),
        "markdown": (
            "report.md",
            render("report.md.j2", {**values, "figures": _linked(pictures)}).encode(),
        ),
        "scores_parquet": ("scores.parquet", _parquet(table)),
        "scores_csv": ("scores.csv", table.to_csv(index=False).encode()),
        "gains_csv": ("gains.csv", compared.gains.to_csv(index=False).encode()),
        **(
            {"arms_csv": ("arms.csv", values["arms_table"].to_csv(index=False).encode())}
            if values["arms"]
            else {}
        ),
        **{name: (_file(name), png(figure)) for name, figure in pictures.items()},
    }
    for name, content in files.values():
        write_bytes(out / name, content)
    return {name: out / file for name, (file, _) in files.items()}


def context(
    store: Store,
    folder: Path,
    table: pd.DataFrame,
    compared: Comparison,
    swept: pd.DataFrame,
    *,
    command: str = "",
    resamples: int = statistics.RESAMPLES,
) -> dict[str, Any]:
    """Every value that the templates use; `swept` is the table of `layers.curves`."""
    sweep, gains = read_sweep(folder), compared.gains
    ledger = require(folder)
    entries = ledger.entries()
    found = summary.studies(entries, ledger.chosen())
    fair, fairness = summary.budget(found)
    return {
        "sweep": sweep,
        "oracle": sweep.search.selection == "oracle",
        "version": __version__,
        "resamples": resamples,
        "models": list(dict.fromkeys(table["model"])),
        "overall": summary.overall(gains),
        **_analysis(store, table, compared, sweep, resamples),
        "layers": layers.best(swept),
        "matrix": _matrix(gains, sweep),
        "absolute": _absolute(table, sweep),
        "targets": [_target(group) for _, group in gains.groupby(["model", "target"], sort=False)],
        "configurations": [_configuration(study, Lineage(store, sweep)) for study in found],
        "fair": fair,
        "fairness": fairness,
        "failures": summary.failures(entries),
        "losses": _losses(gains),
        "missing": summary.missing(sweep, entries, table),
        "problems": problems(table) + problems(gains),
        "seeds": _seeds(gains),
        "any_same_data": bool(gains["same_data"].any()),
        "provenance": summary.provenance(store, entries),
        "command": command,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _analysis(
    store: Store, table: pd.DataFrame, compared: Comparison, sweep: Sweep, resamples: int
) -> dict[str, Any]:
    """Headline, arms of one task, groups, and seen and unseen languages, of each model that has
    them.
    """
    benchmark = of_targets(sweep.targets)
    development = headline.development(store, table)
    arms_table = arms.table(sweep, compared, benchmark)
    rankings, arm_sections, group_sections, seen_sections = [], [], [], []
    for model in dict.fromkeys(table["model"]):
        means = {target: found for (name, target), found in compared.means.items() if name == model}
        examples = {
            target: found for (name, target), found in compared.examples.items() if name == model
        }
        ranking = headline.ranking(model, sweep, benchmark, means, development.get(model, {}))
        if ranking is not None:
            rows = headline.rows(ranking, compared.gains)
            harmful = _harmful(compared.gains, model)
            rankings.append({"ranking": ranking, "rows": rows, "harmful": harmful})
            group_sections.append(
                groups.groups(
                    model, table, sweep, benchmark, examples=examples, resamples=resamples
                )
            )
        arm_sections.append(arms.section(model, arms_table, sweep, benchmark))
        seen_sections.append(
            seen(model, table, compared.gains, examples=examples, resamples=resamples)
        )
    return {
        "rankings": rankings,
        "benchmark": benchmark,
        "deviations": deviations(sweep, benchmark),
        "arms": [one for one in arm_sections if one is not None],
        "arms_table": arms_table,
        "groups": [one for one in group_sections if one is not None],
        "seen": [one for one in seen_sections if one is not None],
    }


def _harmful(gains: pd.DataFrame, model: str) -> dict[str, list[str]]:
    """Target to the intermediates that significantly harm it."""
    found: dict[str, list[str]] = {str(target): [] for target in gains["target"]}
    for row in _losses(gains[gains["model"] == model]):
        found.setdefault(row["target"], []).append(row["intermediate"])
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts; `seen` is None where nobody knows."""
    plain = frame.assign(seen=frame["seen"].astype(object).where(frame["seen"].notna(), None))
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _matrix(gains: pd.DataFrame, sweep: Sweep) -> list[dict[str, Any]]:
    """For each model: targets across, intermediates down, in each cell the official and the
    zero-shot mean.
    """
    labels = [label for label in sweep.labels if label != BASELINE]
    tables = []
    for model, group in gains.groupby("model", sort=False):
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
                "limit": max(1.0, group.loc[group["level"] == "mean", "gain"].abs().max()),
            }
        )
    return tables


def _absolute(table: pd.DataFrame, sweep: Sweep) -> list[dict[str, Any]]:
    """For each model: the score of every pair, baseline included; mean over languages, then over
    seeds.
    """
    found = []
    for model, group in table[table["primary"]].groupby("model", sort=False):
        by_seed = group.groupby(["intermediate", "target", "seed"])["value"].mean()
        scores = by_seed.groupby(["intermediate", "target"]).mean().to_dict()
        metrics = dict(zip(group["target"], group["metric"], strict=True))
        found.append(
            {
                "model": model,
                "scores": scores,
                "metrics": metrics,
                "targets": sweep.targets,
                "intermediates": list(sweep.labels),
            }
        )
    return found


def _target(group: pd.DataFrame) -> dict[str, Any]:
    """One target of one model: for each intermediate its means and its languages."""
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


def _losses(gains: pd.DataFrame) -> list[dict[str, Any]]:
    """Pairs whose mean is significantly below the baseline."""
    return [
        row for row in _records(gains[gains["level"] == "mean"]) if summary.verdict(row) == "loss"
    ]


def _seeds(gains: pd.DataFrame) -> list[int]:
    return sorted({int(seeds) for seeds in gains["seeds"]})


def _configuration(study: summary.Study, lineage: Lineage) -> dict[str, Any]:
    """What a study chose, from the chosen phase's own record, with its counts; of a mixture how it
    was drawn.
    """
    spec = lineage.spec(study.chosen.phase) if study.chosen else None
    params = dict(study.chosen.params) if study.chosen else {}
    hyper = {name: getattr(spec.hyper, name) if spec else params.get(name) for name in SHOWN}
    others = {name: value for name, value in params.items() if name not in SHOWN}
    tasks = [member.task for member in spec.members] if spec else []
    several = spec is not None and len(tasks) > 1
    dev = _dev(lineage, study.chosen.phase) if study.chosen else None
    made = [f"rates: {rates(spec.rates)}; {spec.heads} heads"] if several and spec else []
    return {
        "study": study,
        "counts": study.counts,
        "hyper": hyper,
        "others": others,
        "value": dev.value if dev else None,
        "metric": "mean of its tasks" if several else tasks[0].metric if tasks else "",
        "made": [*made, *filter(None, [transforms(tasks)])],
        "members": _members(lineage, study.chosen.phase, tasks) if several and study.chosen else [],
    }


def _dev(lineage: Lineage, phase: str) -> DevScore | None:
    """Development score of a training, out of its record; None where it can't be read."""
    try:
        return lineage.store.phase(phase).record().trained.dev
    except StoreError:
        return None


def _members(lineage: Lineage, phase: str, tasks: Sequence[Task]) -> list[tuple[str, str, float]]:
    """Task, metric and development score of each member of a mixture, at the step whose weights
    were kept.
    """
    dev = _dev(lineage, phase)
    metrics = dev.metrics if dev else {}
    return [
        (t.name, t.metric, float(metrics[t.name][t.metric]))
        for t in tasks
        if t.metric in metrics.get(t.name, {})
    ]


def _parquet(table: pd.DataFrame) -> bytes:
    bare = table.copy()
    bare.attrs = {}
    out = io.BytesIO()
    bare.to_parquet(out, index=False)
    return out.getvalue()


def _file(name: str) -> str:
    return (
        "heatmap.png"
        if name == "heatmap"
        else f"figures/{re.sub(r'[^A-Za-z0-9_.+-]', '-', name)}.png"
    )


def _linked(pictures: Mapping[str, Figure]) -> dict[str, str]:
    return {name: _file(name) for name in pictures}


def _inline(pictures: Mapping[str, Figure]) -> dict[str, str]:
    return {
        name: f"data:image/svg+xml;base64,{base64.b64encode(svg(figure)).decode()}"
        for name, figure in pictures.items()
    }

"""Draws the main figures from a scores table alone: a start for an analysis of your own.

    python analysis/gains.py SCORES [--out DIR] [--metric NAME] [--model NAME]
                             [--format png|pdf|svg]

SCORES is the `scores.parquet` or `scores.csv` that `xstilts report` (or `xstilts scores`) writes:
one row for each score, with the columns sweep, model, intermediate, target, seed, language, split,
metric, value, n, primary, seen, zero_shot, gain, .... Needs pandas and matplotlib, not xstilts.
Written into DIR (default: figures):

    heatmap.<format>          mean gain over languages and seeds, intermediate by target
    languages-<target>.<...>  one dot for each language and seed, a bar for the mean over languages
    gains.csv                 the numbers behind them

Gains are means over seeds of each seed's own difference from the baseline `none`. Intervals and
p-values need the predictions; they are in the report's gains.csv.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

BASELINE = "none"
NEEDED = (
    "model",
    "intermediate",
    "target",
    "seed",
    "language",
    "metric",
    "value",
    "primary",
    "gain",
)


def read(path: Path) -> pd.DataFrame:
    """The scores table; exits with a message if the file is not one."""
    if not path.is_file():
        sys.exit(f"{path}: no such file; `xstilts report` writes scores.parquet and scores.csv")
    # keep_default_na: "none" is the baseline and "na" may be a language; only empty cells are
    # missing
    table = (
        pd.read_parquet(path)
        if path.suffix == ".parquet"
        else pd.read_csv(path, keep_default_na=False, na_values=[""])
    )
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        sys.exit(f"{path}: not a scores table: no column {', '.join(missing)}")
    return table


def select(table: pd.DataFrame, metric: str | None, model: str | None) -> pd.DataFrame:
    """Rows of pairs that have a gain: the primary metrics, or one metric by name; one model."""
    rows = table[table["metric"] == metric] if metric else table[table["primary"].astype(bool)]
    models = list(dict.fromkeys(rows["model"]))
    if model is None and len(models) > 1:
        sys.exit(f"the table holds several models ({', '.join(models)}); choose one with --model")
    rows = rows[
        (rows["model"] == (model or (models[0] if models else "")))
        & (rows["intermediate"] != BASELINE)
    ]
    rows = rows[rows["gain"].notna()]
    if rows.empty:
        sys.exit(
            "no gain in this table: it needs the baseline `none` and a pair with the same "
            "seeds and languages"
        )
    return rows


def mean_gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Intermediate by target: the unweighted mean over languages, then over seeds."""
    by_seed = rows.groupby(["intermediate", "target", "seed"], sort=False)["gain"].mean()
    means = by_seed.groupby(["intermediate", "target"], sort=False).mean().unstack()
    return means.loc[list(dict.fromkeys(rows["intermediate"])), list(dict.fromkeys(rows["target"]))]


def heatmap(means: pd.DataFrame) -> Figure:
    """Blue is a gain, red a loss, white no difference; each cell has its number."""
    figure = Figure(
        figsize=(2.2 + 0.95 * means.shape[1], 1.1 + 0.42 * means.shape[0]), layout="constrained"
    )
    axes = figure.subplots()
    values = means.to_numpy(dtype=float)
    limit = 1.25 * max(1.0, float(np.nanmax(np.abs(values))))
    image = axes.pcolormesh(
        np.ma.masked_invalid(values),
        cmap="RdBu",
        vmin=-limit,
        vmax=limit,
        edgecolors="white",
        linewidth=1.5,
    )
    for (i, j), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{value:+.1f}".replace("-", "−")
        axes.text(
            j + 0.5,
            i + 0.5,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if abs(value) > 0.6 * limit else "black",
        )
    axes.set_yticks(np.arange(len(means)) + 0.5, list(means.index))
    axes.set_xticks(np.arange(means.shape[1]) + 0.5, list(means.columns))
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="mean gain, points", shrink=0.9).outline.set_visible(
        False
    )
    return figure


def strip(rows: pd.DataFrame, target: str) -> Figure:
    """Gains on one target: languages along the axis, a colour for each intermediate, a dot for
    each seed.
    """
    here = rows[rows["target"] == target]
    labels, languages = (list(dict.fromkeys(here[c])) for c in ("intermediate", "language"))
    order = (
        here.groupby("language")["gain"]
        .mean()
        .reindex(languages)
        .sort_values(ascending=False)
        .index
    )
    figure = Figure(figsize=(max(5.0, 1.6 + 0.42 * len(languages)), 3.4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="#667085", linewidth=1)
    colours = mpl.colormaps["tab10"].colors
    for i, label in enumerate(labels):
        own = here[here["intermediate"] == label]
        offset = (i - (len(labels) - 1) / 2) * 0.8 / max(len(labels), 1)
        places = [list(order).index(language) + offset for language in own["language"]]
        axes.scatter(
            places, own["gain"], s=16, color=colours[i % 10], alpha=0.85, label=label, linewidth=0
        )
        axes.axhline(
            own["gain"].mean(), color=colours[i % 10], linewidth=1, linestyle=(0, (4, 3)), alpha=0.7
        )
    axes.set_xticks(range(len(order)), list(order))
    axes.set_xlim(-0.6, len(order) - 0.4)
    axes.set_ylabel(f"gain, points of {here['metric'].iloc[0]}")
    axes.set_title(
        f"{target}: gain by language (dashed: mean)", loc="left", fontsize=10, fontweight="bold"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eaecf0")
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower left", ncols=6, frameon=False, fontsize=8.5)
    return figure


def main(arguments: list[str] | None = None) -> list[Path]:
    """Reads the arguments, writes the files, returns their paths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scores", type=Path, help="scores.parquet or scores.csv of a report")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("figures"),
        help="folder for the figures (default: figures)",
    )
    parser.add_argument(
        "--metric", help="a metric by name; left out: the primary metric of each target"
    )
    parser.add_argument("--model", help="model to draw, where the table holds several")
    parser.add_argument(
        "--format", default="png", choices=("png", "pdf", "svg"), help="default: png"
    )
    given = parser.parse_args(arguments)
    rows = select(read(given.scores), given.metric, given.model)
    given.out.mkdir(parents=True, exist_ok=True)
    means = mean_gains(rows)
    files = {given.out / f"heatmap.{given.format}": heatmap(means)}
    for target in means.columns:
        files[given.out / f"languages-{target}.{given.format}"] = strip(rows, target)
    for path, figure in files.items():
        figure.savefig(path, dpi=160)
    means.to_csv(given.out / "gains.csv", float_format="%.3f")
    print(means.round(2).to_string())
    print(f"written to {given.out}: {', '.join(sorted(path.name for path in files))}, gains.csv")
    return [*files, given.out / "gains.csv"]


if __name__ == "__main__":
    main()

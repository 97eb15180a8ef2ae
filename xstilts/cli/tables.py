"""The tables that verbs print: what is read, what it costs, scores and gains.

Only means for display are computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from xstilts.cli.console import grid, new_table, say
from xstilts.errors import InputError
from xstilts.results.unreadable import NOT_READABLE, Lost, lost
from xstilts.spec.sweep import BASELINE

if TYPE_CHECKING:
    import pandas as pd

_LABELS = 12
"""Labels shown of a table; `--json` has all."""

# -- what a sweep reads and costs


def sources(reads: Iterable[Mapping[str, Any]]) -> Table:
    """A row for each task and use: source, revision, rows used, rows in the split, rows by the
    card.
    """
    columns = ("use", "source", "revision", "split", "languages", "rows", "split has", "card")
    table = new_table("what is read", "task", *columns)
    for column in table.columns[1:5]:
        column.justify = "left"
    for read in reads:
        cells = (
            read["task"],
            read["use"],
            read["source"],
            revision_text(read),
            read["split"],
            str(len(read["languages"])),
            f"{read['rows']:,}",
            read["has"],
            read["card"] or "-",
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def tasks(found: Iterable[Mapping[str, Any]]) -> Table:
    """A row for each task: format, languages, rows by its card, metric, groups, licence."""
    columns = ("format", "languages", "train", "test", "metric", "groups", "licence")
    table = new_table("built-in tasks", "task", *columns)
    for column in (table.columns[1], *table.columns[5:]):
        column.justify = "left"
    for task in found:
        rows = task["rows"]
        train = f"as {task['train_task']}" if task["train_task"] else _rows(rows["train"])
        cells = (
            task["name"],
            task["format"],
            str(len(task["languages"])),
            train,
            _rows(rows["test"]),
            task["metric"],
            ", ".join(task["groups"]),
            task["licence"] or "",
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _rows(size: Mapping[str, Any] | None) -> str:
    return size["text"] if size else "-"


def revision_text(read: Mapping[str, Any]) -> str:
    """`main -> commit 0123456789ab`; empty for a union, whose parts have theirs."""
    resolved = f"{read['kind']} {read['resolved'][:12]}" if read["resolved"] else ""
    return f"{read['asked']} -> {resolved}" if read["asked"] else resolved


def label_lines(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each task and use: its first labels in the order of their ids with their rows, or
    tokens, over all languages.
    """
    of: dict[tuple[str, str], Counter[str]] = {}
    for one in facts:
        counts = of.setdefault((one["task"], one["use"]), Counter())
        for label, rows in one["labels"].items():
            counts[label] += rows
    for (task, use), counts in of.items():
        shown = [f"{label} {rows:,}" for label, rows in list(counts.items())[:_LABELS]]
        more = f" and {len(counts) - _LABELS:,} more" if len(counts) > _LABELS else ""
        if shown:
            yield f"labels of {task} ({use}): {', '.join(shown)}{more}"


def cost(estimate: Mapping[str, Any]) -> Table:
    """A row for each kind of phase: examples, tokens, GPU hours."""
    columns = ("phases", "examples", "evaluated", "tokens", "GPU hours")
    table = new_table(f"estimate on {estimate['gpu']}", "", *columns)
    for kind in ("pretrain", "intermediate", "target", "evaluate"):
        if work := estimate["by_kind"].get(kind):
            table.add_row(kind, f"{work['phases']:,}", *_work(work))
    phases = sum(work["phases"] for work in estimate["by_kind"].values())
    table.add_row("all", f"{phases:,}", *_work(estimate["total"]), style="bold")
    table.add_row("saved by sharing", "", *_work(estimate["saved_by_sharing"]))
    return table


def on_clusters(found: Mapping[str, Any]) -> Table:
    """A row for each size of a cluster: makespan, idle share, GPU hours, money."""
    priced = found["money_rented"] is not None
    money = ("money, all rented", "money, only held") if priced else ()
    columns = ("hours", "idle", "GPU hours held", "rented", *money)
    table = new_table("simulated, in the order of a run", "nodes", *columns)
    for one in found["others"]:
        asked = one["nodes"] == found["nodes"]
        costs = [f"{one[name]:,.2f}" for name in ("money_rented", "money_held")] if priced else []
        table.add_row(
            one["nodes"],
            _hours(one["hours"]),
            f"{one['idle']:.0%}",
            _hours(one["gpu_hours_held"]),
            _hours(one["gpu_hours_rented"]),
            *costs,
            style="bold" if asked else "",
        )
    return table


def _work(work: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        *(_large(work[name]) for name in ("examples", "evaluated", "tokens")),
        _hours(work["gpu_hours"]),
    )


def _large(number: float) -> str:
    """`3.2 million`; below a million the number itself."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:,.1f} {name}"
    return f"{number:,.0f}"


def _hours(hours: float) -> str:
    if hours >= 100:
        return f"{hours:,.0f}"
    if hours >= 0.1:
        return f"{hours:.1f}"
    return "below 0.1" if hours else "-"


# -- scores and gains


def gains(console: Console, table: pd.DataFrame, lost: Lost) -> None:
    """For each target the baseline's score, and each intermediate's gain with its interval: means
    over all languages. Pairs of `lost` keep their place.
    """
    from xstilts.results.moderated import EXAMPLES

    means = table[table["level"] == "mean"]
    if means.empty and not lost:
        say(console, "no gains yet: no pair has been evaluated together with its baseline")
        return
    for model in dict.fromkeys([*means["model"], *(model for model, _, _ in lost)]):
        rows = means[means["model"] == model]
        unread = {(label, target): NOT_READABLE for one, label, target in lost if one == model}
        names = list(dict.fromkeys([*rows["intermediate"], *(label for label, _ in unread)]))
        names = [name for name in names if name != BASELINE]
        shown = new_table(
            f"gains of {model} over {BASELINE}, means over all languages",
            "target",
            "metric",
            BASELINE,
            *names,
        )
        for target in dict.fromkeys([*rows["target"], *(target for _, target in unread)]):
            own = rows[rows["target"] == target]
            cells = {row["intermediate"]: _gain(row) for row in own.to_dict("records")}
            for name in (BASELINE, *names):
                cells.setdefault(name, Text(unread.get((name, target), "")))
            if len(own):
                cells[BASELINE] = Text(_number(own["baseline"].iloc[0]))
            metric = str(own["metric"].iloc[0]) if len(own) else ""
            shown.add_row(str(target), metric, *(cells[name] for name in (BASELINE, *names)))
        grid(console, shown)
    if (means["interval_over"] == EXAMPLES).all():
        say(
            console,
            f"[95% interval over {EXAMPLES}]; nothing is tested, since no pair has two seeds",
        )
    else:
        say(console, "[95% interval]; * significant at 5% after Holm's correction")


def scores(console: Console, table: pd.DataFrame) -> None:
    """For each target: a row for each language, a column for each intermediate; means over seeds.
    Scores that can't be read keep their column, which says so.
    """
    main, unread = table[table["primary"]], lost(table.attrs.get("unreadable", ()))
    pairs = [*zip(main["model"], main["target"], strict=True), *((m, t) for m, _, t in unread)]
    if not pairs:
        say(console, "no scores yet")
    for model, target in dict.fromkeys(pairs):
        rows = main[(main["model"] == model) & (main["target"] == target)]
        seeds = {label: own for (m, label, t), own in unread.items() if (m, t) == (model, target)}
        _scores(console, f"{model}, {target}", rows, seeds)


def _scores(
    console: Console, title: str, rows: pd.DataFrame, unread: Mapping[str, Sequence[int]]
) -> None:
    """One target; `unread`: intermediate to the seeds that can't be read, the baseline first."""
    names = list(dict.fromkeys([*rows["intermediate"], *unread]))
    names.sort(key=lambda name: name != BASELINE)
    heads = [
        f"{name} (seed {', '.join(map(str, sorted(unread[name])))} {NOT_READABLE})"
        if name in unread and name in set(rows["intermediate"])
        else name
        for name in names
    ]
    means = rows.groupby(["language", "intermediate"])["value"].mean()
    averages = means.groupby("intermediate").mean()
    metric = f", {rows['metric'].iloc[0]}" if len(rows) else ""
    shown = new_table(f"{title}{metric}", "language", *heads)
    for language in dict.fromkeys(rows["language"]):
        shown.add_row(str(language), *(_cell(means.get((language, n)), n, unread) for n in names))
    shown.add_row("mean", *(_cell(averages.get(n), n, unread) for n in names), style="bold")
    grid(console, shown)


def _cell(value: float | None, name: str, unread: Mapping[str, Any]) -> str:
    """A score; where there is none, whether that is because it can't be read."""
    return _number(value) or (NOT_READABLE if name in unread else "")


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.1f}"


def _gain(row: Mapping[Any, Any]) -> Text:
    """`+3.2* [+1.0, +5.4]`, coloured where it is significant."""
    certain = row["p_holm"] <= 0.05
    interval = f" [{row['low']:+.1f}, {row['high']:+.1f}]" if row["low"] == row["low"] else ""
    style = "" if not certain else "green" if row["gain"] > 0 else "red"
    return Text(f"{row['gain']:+.1f}{'*' if certain else ''}{interval}", style=style)


# -- tables as files


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the scores table for `--json`; then, for each thing that could not be read, a row
    without a value that says why (`unreadable`), for final scores one for each pair and seed.
    """
    import json

    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    for one in table.attrs["unreadable"]:
        finals = [use for use in one["uses"] if (use["kind"], use["role"]) == ("evaluate", "final")]
        for use in finals or one["uses"][:1] or [{}]:
            known = {**use, "language": one["language"] or None, "phase": one["phase"] or None}
            blank = {column: known.get(column) for column in table.columns}
            found.append({**blank, "unreadable": one["text"]})
    return found


def read_table(path: Path) -> pd.DataFrame:
    """A table of a report, as CSV."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def write_table(table: pd.DataFrame, path: str) -> None:
    """The whole tidy table as CSV or Parquet, in a folder that is made where there is none.
    InputError for another suffix, and for a place that can't be written.
    """
    from xstilts.results.rendering import csv

    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(f'--out is "{path}"; must end in .csv or .parquet')
    table = table.copy()
    table.attrs = {}  # not part of the table
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".csv":
            Path(path).write_bytes(csv(table))
        else:
            table.to_parquet(path, index=False)
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"--out is {path}, which can't be written: {why}") from error

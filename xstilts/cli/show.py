"""How values look on a terminal or in a log: plain text, coloured where the output can show it.

Each function takes a console and the value that a verb returned (as `--json` gives it, or a table)
and prints it. Nothing is computed here but means for display; no markup is read from the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from xstilts.cli.progress import counts_text, duration
from xstilts.errors import InputError, Problem, SweepError
from xstilts.spec.sweep import BASELINE

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

WIDE = 200
"""Width where the output is no terminal: tables are not squeezed there."""


def say(console: Console, text: str | Text, style: str | None = None) -> None:
    """One paragraph, never wrapped, never read as markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def grid(console: Console, table: Table) -> None:
    """A table, as wide as it needs to be where nobody's window limits it."""
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


# -- errors
# ------------------------------------------------------------------------------------------


def error(console: Console, what: Exception) -> None:
    """An error that xstilts raised, each problem on a line of its own."""
    problems = what.problems if isinstance(what, SweepError) else (Problem(message=str(what)),)
    for problem in problems:
        where = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
        head = f"{where}: " if where else "error: "
        say(console, Text.assemble((head, "bold red" if not where else "bold"), problem.message))
    if isinstance(what, SweepError) and len(problems) > 1:
        say(console, f"{len(problems)} problems; nothing was started", "red")


def error_value(what: Exception) -> dict[str, Any]:
    """The error for `--json`."""
    value: dict[str, Any] = {
        "kind": type(what).__name__,
        "message": str(what),
        "input": isinstance(what, InputError),
    }
    if isinstance(what, SweepError):
        value["problems"] = [
            {"file": p.file, "line": p.line, "message": p.message} for p in what.problems
        ]
    return value


# -- verbs
# -------------------------------------------------------------------------------------------


def check(console: Console, found: dict[str, Any]) -> None:
    """A sweep that is good: what it reads, where that differs from its cards, what leaks."""
    say(
        console,
        f"{found['sweep']} v{found['version']}: the file, the data and the models are good",
        "green",
    )
    if found.get("sources"):
        _reads(console, found["sources"])
    for model in found.get("models", ()):
        asked = f"{model['asked']} -> " if model["asked"] != "main" else ""
        say(console, f"model {model['model']}: {asked}{model['resolved']}")
    for finding in found.get("cards", ()):
        warns = finding["severity"] == "warn"
        head = ("card: ", "yellow") if warns else "card (note): "
        say(console, Text.assemble(head, f"{finding['task']}: {finding['message']}"))
    _leaks(console, found.get("leaks"))
    _notes(console, found["notes"])


def _reads(console: Console, reads: Iterable[Mapping[str, Any]]) -> None:
    """What is read: a table, or where the window is too narrow for one, two or three short lines
    each.
    """
    table = _sources(reads)
    width = console.width if console.is_terminal else WIDE
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= width:
        grid(console, table)
        return
    say(console, "what is read", "bold")
    for read in reads:
        spoken = len(read["languages"])
        card = f"; card: {read['card']}" if read["card"] else ""
        many = f"{spoken} languages" if spoken > 1 else "1 language"
        say(console, f"{read['task']} ({read['use']}): {read['rows']:,} rows in {many}")
        say(
            console,
            (
                f"    {read['source']}{', ' if read['split'] else ''}{read['split']} (has "
                f"{read['has']}{card})"
            ),
        )
        if read["resolved"]:
            say(console, f"    {_revision(read)}")


def _revision(read: Mapping[str, Any]) -> str:
    """`main -> commit 0123456789ab`; of a union nothing, since its parts have theirs."""
    resolved = f"{read['kind']} {read['resolved'][:12]}" if read["resolved"] else ""
    return f"{read['asked']} -> {resolved}" if read["asked"] else resolved


def _sources(reads: Iterable[Mapping[str, Any]]) -> Table:
    """One row a task and use: source, what it resolves to, rows used, rows there, rows by the
    card.
    """
    columns = ("use", "source", "revision", "split", "languages", "rows", "split has", "card")
    table = _table("what is read", "task", *columns)
    for column in table.columns[1:5]:
        column.justify = "left"
    for read in reads:
        cells = (
            read["task"],
            read["use"],
            read["source"],
            _revision(read),
            read["split"],
            str(len(read["languages"])),
            f"{read['rows']:,}",
            read["has"],
            read["card"] or "-",
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _leaks(console: Console, found: Mapping[str, Any] | None) -> None:
    if found is None:
        say(console, "leaks: not looked for")
        return
    for leak in found["found"]:
        head = "leak: " if leak["severity"] == "warn" else "leak (note): "
        style = (
            "" if leak["severity"] == "note" else "bold red" if leak["kind"] == "row" else "yellow"
        )
        say(console, Text.assemble((head, style), leak["message"]))
        for example in leak["examples"]:
            say(console, f"      {example}")
    for repeat in found["repeats"]:
        say(console, f"repeat: {repeat['message']}")
    for what in found["skipped"]:
        say(console, Text.assemble(("leaks were not looked for: ", "yellow"), what))
    if not any(leak["severity"] == "warn" for leak in found["found"]):
        more = "; the notes are single texts, as they meet by chance" if found["found"] else ""
        say(
            console,
            f"leaks: none in {found['pairs']:,} pairs of training rows and evaluation rows{more}",
        )


def plan(console: Console, found: dict[str, Any]) -> None:
    """What a run will do, and what it will cost."""
    phases = f"{'' if found.get('exact', True) else 'at most '}{found['phases']:,} phases"
    say(
        console, f"{found['sweep']} v{found['version']}: {phases}, {found['cached']:,} of them done"
    )
    saved = {kind: count for kind, count in found["shared_savings"].items() if count}
    facts = {
        "trainings": _counted(found["trainings"]),
        "evaluations": f"{found['evaluations']:,}",
        "saved by sharing": f"{_counted(saved)} trainings" if saved else "nothing",
        "examples": f"{found['examples']:,} at most, over all trainings",
    }
    if found.get("studies"):
        trials = " or ".join(str(n) for n in found.get("trials_per_study", []))
        facts["searches"] = (
            f"{found['studies']:,}, each of {trials} trial{'' if trials == '1' else 's'}"
        )
    for name, fact in facts.items():
        say(console, f"  {name:<18}{fact}")
    if found.get("cost"):
        _cost(console, found["cost"])
    _notes(console, found["notes"])


def _cost(console: Console, cost: Mapping[str, Any]) -> None:
    table = _table(
        f"estimate on {cost['gpu']}", "", "phases", "examples", "evaluated", "tokens", "GPU hours"
    )
    for kind in (
        kind
        for kind in ("pretrain", "intermediate", "target", "evaluate")
        if kind in cost["by_kind"]
    ):
        work = cost["by_kind"][kind]
        table.add_row(kind, f"{work['phases']:,}", *_work(work))
    phases = sum(work["phases"] for work in cost["by_kind"].values())
    table.add_row("all", f"{phases:,}", *_work(cost["total"]), style="bold")
    table.add_row("saved by sharing", "", *_work(cost["saved_by_sharing"]))
    grid(console, table)
    for what in cost["unknown"]:
        say(console, f"  not counted, for nobody knows it here: {what}")
    say(console, f"  {cost['assumptions']}")


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
    return (
        f"{hours:,.0f}"
        if hours >= 100
        else f"{hours:.1f}"
        if hours >= 0.1
        else "below 0.1"
        if hours
        else "-"
    )


def run(console: Console, ran: dict[str, Any]) -> None:
    """How a run ended; failures apart from everything else."""
    for failure in ran["failures"]:
        head = f"{failure['state']}: {failure['slot']}: "
        say(console, Text.assemble((head, "bold red"), _first_line(failure["error"])))
    if ran["stopped"]:
        say(console, f"stopped ({ran['stopped']}); the same command carries on from here", "yellow")
    say(
        console,
        f"{ran['started']:,} phases run in {duration(ran['seconds'])}; kept in {ran['folder']}",
    )
    if not ran["stopped"]:
        say(
            console,
            (
                "next: `xstilts report SWEEP` shows the gains, `xstilts scores SWEEP` the scores "
                "by language"
            ),
        )
    if ran["pages"]:
        say(console, f"MLflow: {ran['pages']}")


def status(console: Console, found: dict[str, Any]) -> None:
    """How a sweep stands."""
    say(console, f"{found['sweep']}: {counts_text(found['counts'])}, of {found['total']:,} in all")
    say(console, found["driver"] or "nobody is at work on it now")
    for failure in found["failures"]:
        head = f"{failure['state']}: {failure['slot']}: "
        say(console, Text.assemble((head, "bold red"), failure["error"]))


def submission(console: Console, data: Mapping[str, Any]) -> None:
    """How many files were written, where, and all that the notes warn of."""
    files = data["files"]
    say(console, f"{len(files)} files in {Path(files[-1]).parent}")
    say(console, data["notes"].rstrip())


def report(console: Console, found: dict[str, Any]) -> None:
    """Where the report lies."""
    for name, path in found["files"].items():
        say(console, f"{name}: {path}")


def fetch(console: Console, found: dict[str, Any]) -> None:
    """What was fetched."""
    for name in found["fetched"]:
        say(console, f"fetched {name}")
    say(console, f"{found['mirror']} holds everything the sweep names")


def track(console: Console, found: dict[str, Any]) -> None:
    """How many runs MLflow was given."""
    say(console, f"{found['runs']:,} runs brought up to date")


def doctor(console: Console, found: dict[str, Any]) -> None:
    """What a machine has and lacks."""
    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for finding in found["findings"]:
        state = finding["state"]
        say(
            console,
            Text.assemble(
                (f"{state:>5}  ", styles.get(state, "")), f"{finding['name']}: {finding['message']}"
            ),
        )
        if finding.get("advice"):
            say(console, f"       -> {finding['advice']}")


def _notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        say(console, f"note: {note}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) or "none"


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]


# -- tables
# ------------------------------------------------------------------------------------------


def gains(console: Console, table: pd.DataFrame) -> None:
    """For each target the baseline's score and each intermediate's gain with its interval: means
    over all languages.
    """
    means = table[table["level"] == "mean"]
    if means.empty:
        say(console, "no gain to show: no pair and its baseline have both been evaluated")
        return
    for model, rows in means.groupby("model", sort=False):
        names = list(dict.fromkeys(rows["intermediate"]))
        shown = _table(
            f"gains of {model} over {BASELINE}, means over all languages",
            "target",
            "metric",
            BASELINE,
            *names,
        )
        for (target, metric), of_target in rows.groupby(["target", "metric"], sort=False):
            cells = {row["intermediate"]: _gain(row) for row in of_target.to_dict("records")}
            base = _number(of_target["baseline"].iloc[0])
            shown.add_row(
                str(target), str(metric), base, *(cells.get(name, Text("")) for name in names)
            )
        grid(console, shown)
    say(console, "[95% interval]; * significant at 5% after Holm's correction")


def scores(console: Console, table: pd.DataFrame) -> None:
    """For each target: a row for each language, a column for each intermediate; means over
    seeds.
    """
    main = table[table["primary"]]
    if main.empty:
        say(console, "no scores yet")
        return
    for (model, target, metric), rows in main.groupby(["model", "target", "metric"], sort=False):
        names = list(dict.fromkeys(rows["intermediate"]))
        means = rows.groupby(["language", "intermediate"])["value"].mean()
        shown = _table(f"{model}, {target}, {metric}", "language", *names)
        for language in dict.fromkeys(rows["language"]):
            shown.add_row(str(language), *(_number(means.get((language, name))) for name in names))
        averages = [_number(means.xs(name, level="intermediate").mean()) for name in names]
        shown.add_row("mean", *averages, style="bold")
        grid(console, shown)


def read_table(path: Path) -> pd.DataFrame:
    """A table of a report, as CSV."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def write_table(table: pd.DataFrame, path: str) -> None:
    """The whole tidy table as CSV or Parquet; InputError for another suffix."""
    suffix = Path(path).suffix
    if suffix == ".csv":
        table.to_csv(path, index=False)
    elif suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        raise InputError(f'--out is "{path}"; must end in .csv or .parquet')


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.1f}"


def _gain(row: Mapping[Any, Any]) -> Text:
    """`+3.2* [+1.0, +5.4]`, coloured where it is significant."""
    certain = row["p_holm"] <= 0.05
    interval = f" [{row['low']:+.1f}, {row['high']:+.1f}]" if row["low"] == row["low"] else ""
    style = "" if not certain else "green" if row["gain"] > 0 else "red"
    return Text(f"{row['gain']:+.1f}{'*' if certain else ''}{interval}", style=style)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(
        first,
        *others,
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    return table

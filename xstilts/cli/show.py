"""The text of each verb: plain, and coloured where the output can show it.

Each function takes a console and its verb's value, as `--json` gives it, and prints it. Values are
never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.text import Text

from xstilts.cli import tables
from xstilts.cli.console import WIDE, grid, say
from xstilts.cli.progress import counts_text, duration
from xstilts.errors import first_line

_LEDGER_LINES = 10


def check(console: Console, found: dict[str, Any]) -> None:
    """A sweep without mistakes: what it reads, where data differs from its card, what leaks."""
    say(
        console,
        f"{found['sweep']} v{found['version']}: the file, the data and the models are good",
        "green",
    )
    if found.get("sources"):
        _reads(console, found["sources"])
    _left_out(console, found.get("sources", ()))
    for line in tables.label_lines(found.get("rows", ())):
        say(console, line)
    for model in found.get("models", ()):
        asked = f"{model['asked']} -> " if model["asked"] != "main" else ""
        say(console, f"model {model['model']}: {asked}{model['resolved']}")
    for doubt in found.get("doubts", ()):
        told = f"{doubt['task']}: {doubt['message']}"
        say(console, Text.assemble(("doubt: ", "yellow"), told))
    for finding in found.get("cards", ()):
        warns = finding["severity"] == "warn"
        head = ("card: ", "yellow") if warns else "card (note): "
        say(console, Text.assemble(head, f"{finding['task']}: {finding['message']}"))
    _leaks(console, found.get("leaks"))
    _notes(console, found["notes"])


def _reads(console: Console, reads: Iterable[Mapping[str, Any]]) -> None:
    """What is read: a table, or two or three short lines for each row where the window is too
    narrow.
    """
    table = tables.sources(reads)
    width = console.width if console.is_terminal else WIDE
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= width:
        grid(console, table)
        return
    say(console, "what is read", "bold")
    for read in reads:
        n_languages = len(read["languages"])
        card = f"; card: {read['card']}" if read["card"] else ""
        languages = f"{n_languages} languages" if n_languages > 1 else "1 language"
        say(console, f"{read['task']} ({read['use']}): {read['rows']:,} rows in {languages}")
        source = f"{read['source']}{', ' if read['split'] else ''}{read['split']}"
        say(console, f"    {source} (has {read['has']}{card})")
        if read["resolved"]:
            say(console, f"    {tables.revision_text(read)}")


def _left_out(console: Console, reads: Iterable[Mapping[str, Any]]) -> None:
    """Rows that are neither trained nor scored, with the reason."""
    for read in reads:
        counts = ", ".join(f"{rows:,} {why}" for why, rows in read.get("left_out", {}).items())
        if counts:
            head = ("left out: ", "yellow")
            say(console, Text.assemble(head, f"{read['task']} ({read['use']}): {counts}"))


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
        more = (
            "; the notes are about single texts that may be equal by chance"
            if found["found"]
            else ""
        )
        say(
            console,
            f"leaks: none in {found['pairs']:,} pairs of training rows and evaluation rows{more}",
        )


def plan(console: Console, found: dict[str, Any]) -> None:
    """What a run will do, and what it will cost."""
    phases = f"{'' if found.get('exact', True) else 'at most '}{found['phases']:,} phases"
    not_known = found["not_known"]
    done = f"{'at least ' if not_known['phases'] else ''}{found['cached']:,} of them done"
    say(console, f"{found['sweep']} v{found['version']}: {phases}, {done}")
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
    if found.get("on_cluster"):
        _on_cluster(console, found["on_cluster"])
    _notes(console, found["notes"])
    _not_known(console, not_known)


def _not_known(console: Console, not_known: Mapping[str, Any]) -> None:
    """The phases of which it is not known whether they are done, and why."""
    if not not_known["phases"]:
        return
    count = not_known["phases"]
    say(
        console,
        f"not known whether {count:,} {'phase is' if count == 1 else 'phases are'} done already; "
        "a plan reads what is on this machine and asks no hub:",
        "yellow",
    )
    for one in not_known["because"]:
        say(console, f"  {one['what']}, {_counted_phases(one['phases'])}: {one['reason']}")


def _counted_phases(count: int) -> str:
    return f"{count:,} phase{'' if count == 1 else 's'}"


def _cost(console: Console, cost: Mapping[str, Any]) -> None:
    grid(console, tables.cost(cost))
    for what in cost["unknown"]:
        say(console, f"  not counted, because it is unknown: {what}")
    say(console, f"  {cost['assumptions']}")


def _on_cluster(console: Console, found: Mapping[str, Any]) -> None:
    """The schedule on a cluster, and on others of its kind."""
    grid(console, tables.on_clusters(found))
    longest = duration(found["longest_way_hours"] * 3600)
    say(
        console,
        f"  {_counted_phases(found['phases'])} left to run; the longest chain of phases that wait "
        f"for one another takes {longest}, and no number of such GPUs is faster",
    )
    for note in found["notes"]:
        say(console, f"  {note}")


def why(console: Console, found: dict[str, Any]) -> None:
    """Why phases will be run, summed up by cause."""
    slots = found["slots"]
    new = sum(cause["phases"] for cause in found["causes"])
    say(
        console,
        f"{found['sweep']}: slots done: {slots['done']:,}; to be filled: {slots['new']:,}, by "
        f"{new:,} new phase{'' if new == 1 else 's'}; open: {slots['open']:,}",
    )
    for cause in found["causes"]:
        changes = "; ".join(cause["changes"]) or "nothing like it has a record"
        count = _counted_phases(cause["phases"])
        say(console, Text.assemble((f"{count}: ", "bold"), changes))
        if cause["by_parent"]:
            say(console, f"    {cause['by_parent']:,} of them through what they start from")
        near = f", nearest to phase {cause['nearest']}" if cause["nearest"] else ""
        say(console, f"    such as {cause['example']}{near}")
    for one in found["open"]:
        count = f"{one['slots']:,} slot{'' if one['slots'] == 1 else 's'} open"
        say(console, f"{count}: {one['reason']}, such as {one['example']}")
    for one in found["ledger"][:_LEDGER_LINES]:
        say(console, f"in the ledger: {one['slot']}: {one['state']}")
    if (more := len(found["ledger"]) - _LEDGER_LINES) > 0:
        say(console, f"in the ledger: {more:,} more that failed, were pruned or are blocked")


def why_slot(console: Console, found: dict[str, Any]) -> None:
    """Why one slot's phase will be run."""
    standing = {
        "done": f"done already: phase {found['phase']} has a record",
        "new": f"will be run as phase {found['phase']}",
        "open": f"not known before the run: {found.get('reason')}",
    }
    waits = f" ({found['waits_for']})" if found.get("waits_for") else ""
    say(console, f"{found['slot']}: {standing[found['standing']]}{waits}")
    if found["ledger"]:
        say(console, f"    in the ledger: {found['ledger']}")
    for one in [found, *found["because"]]:
        if one is not found:
            say(console, f"because of {one['slot']} (phase {one['phase']}):")
        if one["standing"] == "new" and not one["nearest"]:
            say(console, "    nothing like it has a record")
        elif one["nearest"]:
            say(console, f"    nearest with a record: phase {one['nearest']}")
        for change in one["changes"]:
            say(console, f"    {change['said']}")


def run(console: Console, value: dict[str, Any]) -> None:
    """How a run ended; failures first."""
    for failure in value["failures"]:
        head = f"{failure['state']}: {failure['slot']}: "
        say(console, Text.assemble((head, "bold red"), first_line(failure["error"])))
    if value["stopped"]:
        what = f": {value['budget']}" if value["budget"] else f" ({value['stopped']})"
        say(
            console,
            f"stopped{what}; the same command carries on from here{_raised(value)}",
            "yellow",
        )
    took = duration(value["seconds"])
    kept = value["copy_of"] or value["folder"]
    say(console, f"{value['started']:,} phases run in {took}; kept in {kept}")
    if not value["stopped"]:
        report = "`xstilts report SWEEP` shows the gains"
        say(console, f"next: {report}, `xstilts scores SWEEP` the scores by language")
    if value["report"]:
        say(console, f"report of what there is: {value['report']}")
    if value["pages"]:
        say(console, f"MLflow: {value['pages']}")


def _raised(value: Mapping[str, Any]) -> str:
    """What must be changed first: GPU hours and money are counted over all runs."""
    over_all = any(unit in value["budget"] for unit in ("GPU hours", "in money"))
    return ", once the budget is raised" if over_all else ""


def status(console: Console, found: dict[str, Any]) -> None:
    """The state of a sweep."""
    damaged = found["counts"].get("damaged")
    counts = counts_text(found["counts"]) + (f", {damaged:,} damaged" if damaged else "")
    say(console, f"{found['sweep']}: {counts}, of {found['total']:,} in all")
    say(console, found["driver"] or "no process works on it now")
    if found["spent"]:
        _spent(console, found["spent"])
    for failure in found["failures"]:
        head = f"{failure['state']}: {failure['slot']}: "
        say(console, Text.assemble((head, "bold red"), failure["error"]))


def _spent(console: Console, spent: Mapping[str, Any]) -> None:
    """GPU hours and money over all runs, beside the budget."""

    def of(limit: float | None) -> str:
        return f" of {limit:g}" if limit is not None else ""

    parts = [f"{spent['gpu_hours']:.1f}{of(spent['budget_gpu_hours'])} GPU hours"]
    kinds = {kind: hours for kind, hours in spent["by_kind"].items() if kind}
    if len(kinds) > 1:
        parts.append(", ".join(f"{hours:.1f} on {kind}" for kind, hours in kinds.items()))
    if spent["money"] is not None:
        parts.append(f"{spent['money']:.2f}{of(spent['budget_money'])} in money")
    say(console, f"spent: {'; '.join(parts)}")


def submission(console: Console, data: Mapping[str, Any]) -> None:
    """How many files were written and where, and the notes."""
    files = data["files"]
    say(console, f"{len(files)} files in {Path(files[-1]).parent}")
    say(console, data["notes"].rstrip())


def init(console: Console, found: Mapping[str, Any]) -> None:
    """Which file was written, and what was read off the user's own files."""
    say(console, f"{found['file']} is written", "green")
    for name in ("models", "intermediates", "targets"):
        say(console, f"  {name:<18}{', '.join(found[name])}")
    for task in found["own"]:
        columns = ", ".join(f"{role} is {column}" for role, column in task["columns"].items())
        labels = task["labels"]
        shown = f"{', '.join(labels[:8])}{', ...' if len(labels) > 8 else ''}"
        facts = [
            task["format"],
            columns,
            f"labels {shown}" if labels else "",
            f"scored in {', '.join(task['languages'])}",
            f"trained in {task['train_language']}",
            ", ".join(f"{use}: {split}" for use, split in task["splits"].items()),
        ]
        say(console, f"  {task['task']} looks like: {'; '.join(filter(None, facts))}")
    say(console, f"next: look into it, then `xstilts check {found['file']}`")


def tasks(console: Console, found: Mapping[str, Any]) -> None:
    """The tasks as a table; a single one that was asked for by name with all that is known of
    it.
    """
    if not found["tasks"]:
        none = "it is not all of this" if found["named"] else "no built-in task is all of this"
        say(console, none)
    elif found["named"]:
        _task(console, found["tasks"][0])
    else:
        grid(console, tables.tasks(found["tasks"]))
        say(console, f"{len(found['tasks'])} tasks; `xstilts tasks NAME` tells more of one")


def _task(console: Console, task: Mapping[str, Any]) -> None:
    say(console, f"{task['name']} ({task['format']})", "bold")
    for name, fact in _task_facts(task):
        if fact:
            say(console, f"  {name:<18}{fact}")


def _task_facts(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of each fact; the text is empty where there is none."""
    yield "source", task["source"]
    yield "parts", ", ".join(task["parts"])
    yield "columns", ", ".join(f"{role}: {column}" for role, column in task["columns"].items())
    for use in ("train", "dev", "test"):
        rows, split = task["rows"][use], task["splits"].get(use, "")
        doubt = " (from memory)" if rows and rows["unverified"] else ""
        count = f"{_each(rows['text'])}{doubt}" if rows else "rows not known" if split else ""
        yield use, f"{count}: {split}" if split else count
    yield "trained on", task["train_task"] or ", ".join(task["train_languages"])
    yield "scored in", f"{len(task['languages'])}: {' '.join(task['languages'])}"
    yield "labels", ", ".join(task["labels"])
    others = ", ".join(one for one in task["metrics"] if one != task["metric"])
    yield "metric", f"{task['metric']} (also {others})" if others else task["metric"]
    yield "groups", ", ".join(task["groups"])
    yield "options", ", ".join(f"{name}: {value}" for name, value in task["options"].items())
    length = task["characters"]
    yield "length", f"about {length:,.0f} characters of English an input" if length else ""
    yield "same rows as", task["corpus"]
    yield "licence", task["licence"] or "not stated"
    yield "to obtain", task["obtain"] or ""


def _each(size: str) -> str:
    """`5,010 each` as `5,010 rows each`."""
    number = size.removesuffix(" each")
    return f"{number} rows{size.removeprefix(number)}"


def export(console: Console, found: Mapping[str, Any]) -> None:
    """Where the model is and how transformers opens it."""
    say(console, f"{found['pair']}, {found['model']}, seed {found['seed']}: {found['to']}")
    opens = f"{found['model_class']}.from_pretrained opens it"
    say(console, f"{opens}; its card, README.md, says how it is used and what it scores")


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
    """How many MLflow runs were updated."""
    say(console, f"{found['runs']:,} runs brought up to date")


def verify(console: Console, found: dict[str, Any]) -> None:
    """What of a store is damaged, and what it holds."""
    for one in found["damaged"]:
        of = f" (of {', '.join(one['sweeps'])})" if one["what"].startswith("phase") else ""
        say(console, f"damaged  {one['what']}{of}: {one['wrong']}", "bold red")
    size = f"{found['bytes'] / 1e9:,.2f} GB"
    say(
        console,
        f"read in {found['store']}: finished phases {found['phases']:,} with {found['files']:,} "
        f"files, {size}; sweeps {found['sweeps']:,}; damaged {len(found['damaged']):,}",
    )
    if found["damaged"]:
        say(console, "`xstilts run` of these sweeps makes again what is damaged")
    if found["unfinished"]:
        say(console, f"not looked at: phases that are not finished, {found['unfinished']:,}")
    if found["rubbish"]:
        say(
            console,
            f"left by writers that were killed or came too late: objects {found['rubbish']:,}, "
            f"{found['rubbish_bytes'] / 1e9:,.2f} GB; `xstilts.Store(...).sweep_up()` removes them",
        )
    if found["set_aside"]:
        say(
            console,
            f"moved aside by earlier runs, to {found['store']}/damaged: {found['set_aside']:,}; "
            "remove them once you need them no more",
        )


def doctor(console: Console, found: dict[str, Any]) -> None:
    """What the machine has and lacks."""
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

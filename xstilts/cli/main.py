"""The command line: a thin layer that prints what `xstilts.api` returns.

Every verb takes a sweep file and the same four options; verbs about results also take the folder of
a run in a store. `outcome` prints a verb's value; `net` tells whatever else ends it.

Nothing heavy is imported before a verb runs: `xstilts --help` must answer at once.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from xstilts.cli import cluster, jobs, names, prune
from xstilts.cli.net import Net
from xstilts.cli.options import (
    GanttOption,
    JsonOption,
    MirrorOption,
    NodesOption,
    PriceOption,
    RanArgument,
    RemakeOption,
    SlotsPerGpuOption,
    StoreOption,
    SweepArgument,
    TrackingOption,
)
from xstilts.cli.outcome import outcome, print_json
from xstilts.cli.running import run_shown
from xstilts.cli.unreadable import tell

app = typer.Typer(
    name="xstilts",
    cls=Net,
    help="Which intermediate task helps which target task, in which language, and how surely.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(cluster.app, name="cluster")


def main() -> None:
    """Entry point of the `xstilts` command."""
    from xstilts.driver.ray_threads import end_process

    try:
        app()
    except SystemExit as ended:
        end_process(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
        raise


@app.command()
def init(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Sweep file to write.")
    ] = "sweep.yaml",
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Base model: an id, a folder, or `generator` for none. Repeatable."
        ),
    ] = None,
    intermediate: Annotated[
        list[str] | None,
        typer.Option(
            "--intermediate",
            help="Intermediate task. Repeatable.",
            autocompletion=names.intermediates,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="Target task. Repeatable.", autocompletion=names.targets),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--files",
            metavar="NAME=PATTERN",
            help="A task over own files, as my-task=data/{split}.{language}.jsonl. Repeatable.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Format of own files; else read off them.",
            autocompletion=names.formats,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="ROLE=COLUMN,...", help="Columns of own files."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="A,B,...", help="Labels of own files.")
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option("--languages", metavar="EN,DE,...", help="Languages of own files."),
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="1,2,...", help="Seeds of each pair.")
    ] = "1,2,3",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Trials of each search.")] = 4,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Updates of each training.")] = 1000,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the sweep; else the file's.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented sweep file from flags, or from a few questions."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import questions, show as shows

        answers = questions.Answers(model or [], intermediate or [], target or [])
        own = questions.pairs("--files", files or ())
        if not as_json and questions.on_terminal():
            answers = questions.ask(answers, file, own, force=force)
        written = api.init(
            file,
            models=answers.models,
            intermediates=answers.intermediates,
            targets=answers.targets,
            files=own,
            format=format,
            columns=questions.columns(columns),
            labels=questions.listed(labels),
            languages=questions.listed(languages),
            seeds=questions.numbers("--seeds", seeds),
            trials=trials,
            steps=steps,
            name=name,
            force=force,
        )
        show(written.to_json(), shows.init)


@app.command()
def check(
    sweep: Annotated[str | None, typer.Argument(metavar="SWEEP", help="Sweep file.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a sweep file and stop.")
    ] = False,
    leaks: Annotated[
        bool,
        typer.Option("--leaks/--no-leaks", help="Look for evaluation rows inside training rows."),
    ] = True,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Look for mistakes in a sweep file, its data and its models."""
    if schema:
        from xstilts.sweep_file import schema as sweep_schema

        print_json(sweep_schema())
        return
    if sweep is None:
        raise typer.BadParameter("give a sweep file, or --schema", param_hint="SWEEP")
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.check(sweep, store=store, mirror=mirror, tracking=tracking, leaks=leaks)
        show(found.to_json(), shows.check)


@app.command()
def plan(
    sweep: SweepArgument,
    gpu: Annotated[
        str | None, typer.Option("--gpu", help="GPU of the estimate, such as A100-80GB.")
    ] = None,
    mfu: Annotated[
        float | None,
        typer.Option(
            "--mfu", help="Share of the GPU's peak that a training reaches.", min=0.01, max=1
        ),
    ] = None,
    nodes: NodesOption = None,
    slots_per_gpu: SlotsPerGpuOption = None,
    price: PriceOption = None,
    gantt: GanttOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Show what a run will train, how much is done already, and what it costs."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import questions, show as shows

        planned = api.plan(
            sweep,
            store=store,
            mirror=mirror,
            tracking=tracking,
            gpu=gpu,
            mfu=mfu,
            nodes=nodes,
            slots_per_gpu=slots_per_gpu,
            prices=questions.amounts("--price", price),
            gantt=gantt,
        )
        show(planned.to_json(), shows.plan)


@app.command()
def why(
    sweep: SweepArgument,
    slot: Annotated[
        str | None,
        typer.Argument(metavar="SLOT", help="A slot, as status names it; else a summary of all."),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Say why phases will be run: what differs from the nearest one that is done."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.why(sweep, slot, store=store, mirror=mirror, tracking=tracking)
        show(found.to_json(), shows.why if slot is None else shows.why_slot)


@app.command()
def run(
    sweep: SweepArgument,
    remake: RemakeOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Run the phases of a sweep that are not done.

    Ctrl-C stops cleanly; the same command resumes.
    """
    run_shown(
        sweep,
        as_json=as_json,
        store=store,
        mirror=mirror,
        tracking=tracking,
        remake=remake or (),
    )


@app.command()
def status(
    sweep: RanArgument,
    address: jobs.AddressOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Show the state of a sweep, also while it runs.

    With --address it is that of the sweep's job on a cluster, where SWEEP may be its name alone. A
    name is also looked for on the cluster of RAY_ADDRESS, or of cluster.yaml here.
    """
    if jobs.is_asked_of_a_cluster(sweep, address):
        jobs.status(sweep, address, as_json)
        return
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.status(sweep, store=store, mirror=mirror, tracking=tracking).to_json()
        show(found, shows.status)
    tell(found["unreadable"], sweep, store)


@app.command()
def scores(
    sweep: RanArgument,
    out: Annotated[
        str | None, typer.Option("--out", help="Write the whole table to this .csv or .parquet.")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Show the scores of every pair by language.

    --json and --out give the whole tidy table: every seed and metric. With --json scores that can't
    be read have a row without a value, which says why.
    """
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import tables

        table = api.scores(sweep, store=store, mirror=mirror, tracking=tracking)
        if out is not None:
            tables.write_table(table, out)
        show(tables.rows(table) if as_json else table, tables.scores)
    tell(table.attrs["unreadable"], sweep, store)


@app.command()
def report(
    sweep: RanArgument,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder to write to; else the sweep's own.")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Write the report and print the gains."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows, tables
        from xstilts.cli.console import console, say
        from xstilts.results.unreadable import lost

        undrawn = partial(say, console(stderr=True), style="yellow")
        written = api.report(
            sweep, out, store=store, mirror=mirror, tracking=tracking, tell=undrawn
        )
        value = written.to_json()
        if not as_json:
            gains = tables.read_table(written.files["gains_csv"])
            tables.gains(console(), gains, lost(value["unreadable"]))
        show(value, shows.report)
    tell(value["unreadable"], sweep, store)


@app.command()
def submission(
    sweep: RanArgument,
    out: Annotated[str, typer.Option("--out", help="Folder to write to.")],
    intermediate: Annotated[
        str,
        typer.Option(
            "--intermediate",
            help="Which system; `best`: for each target the one chosen by English dev scores.",
        ),
    ] = "best",
    model: Annotated[
        str | None, typer.Option("--model", help="Base model; else the sweep's first.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed; else the sweep's first.")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Write one system's predictions in XTREME's submission format."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        written = api.submission(
            sweep,
            out,
            intermediate=intermediate,
            model=model,
            seed=seed,
            store=store,
            mirror=mirror,
            tracking=tracking,
        ).to_json()
        show(written, shows.submission)
    tell(written["unreadable"], sweep, store)


@app.command()
def tasks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A task, to see all of it.", autocompletion=names.tasks
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group", help="Only tasks of this group; repeatable.", autocompletion=names.groups
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="Only tasks of this format.", autocompletion=names.formats),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language", help="Only tasks in this language.", autocompletion=names.languages
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the built-in tasks, or tell all of one."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.list_tasks(name, groups=group or (), format=format, language=language)
        values = [one.to_json() for one in found]
        show({"named": name is not None, "tasks": values}, shows.tasks)


@app.command()
def export(
    sweep: RanArgument,
    pair: Annotated[
        str,
        typer.Argument(
            metavar="PAIR",
            help="INTERMEDIATE/TARGET, such as none/xquad.",
            autocompletion=names.pairs,
        ),
    ],
    to: Annotated[
        str, typer.Option("--to", help="New folder, or hub:OWNER/NAME for the Hugging Face hub.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="Base model; else the sweep's first.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed; else the sweep's first.")
    ] = None,
    body: Annotated[
        bool, typer.Option("--body", help="Write the body alone, without the trained head.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new hub repository public; else private.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Write a pair's checkpoint as a transformers model with its head and a card."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        written = api.export(
            sweep,
            pair,
            to,
            model=model,
            seed=seed,
            body=body,
            public=public,
            store=store,
            mirror=mirror,
            tracking=tracking,
        ).to_json()
        show(written, shows.export)
    tell(written["unreadable"], sweep, store)


@app.command()
def fetch(
    sweep: SweepArgument,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Fill a mirror with the datasets and models of a sweep."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows
        from xstilts.errors import InputError

        into = mirror or api.load(sweep).mirror
        if into is None:
            raise InputError(
                "fetch needs a folder to fill: give --mirror DIR, or set XSTILTS_MIRROR"
            )
        fetched = api.fetch(sweep, mirror=into, store=store, tracking=tracking)
        show({"mirror": into, "fetched": fetched}, shows.fetch)


@app.command()
def doctor(
    sweep: Annotated[
        str | None,
        typer.Argument(metavar="SWEEP", help="Sweep file, whose store and tracking are checked."),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Check whether this machine has what a run needs."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        found = api.doctor(sweep, store=store, mirror=mirror, tracking=tracking).to_json()
        show(found, shows.doctor)
    raise typer.Exit(0 if found["ok"] else 1)


@app.command()
def verify(
    store: Annotated[str, typer.Argument(metavar="STORE", help="Folder or address of a store.")],
    as_json: JsonOption = False,
) -> None:
    """Read everything in a store and tell what is not as it was written."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows
        from xstilts.cli.counting import counting

        with counting("phases read") as tell:
            found = api.verify(store, tell=tell)
        show(found.to_json(), shows.verify)
    raise typer.Exit(1 if found.damaged else 0)


@app.command()
def track(
    sweep: RanArgument,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Bring MLflow up to date with the records."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli import show as shows

        sent = api.track(sweep, store=store, mirror=mirror, tracking=tracking).to_json()
        show(sent, shows.track)
    tell(sent["unreadable"], sweep, store)


prune.register(app)
jobs.register(app)

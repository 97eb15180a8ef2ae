"""The verbs about sweeps as jobs of a cluster: `submit`, `stop`, `logs`, and `status --address`.

A job's lines go to standard output, what is said of it here to standard error. Who watches a job
can leave it at any time; it goes on without them.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xstilts.cli.options import (
    JsonOption,
    MirrorOption,
    RemakeOption,
    StoreOption,
    SweepArgument,
    TrackingOption,
)
from xstilts.cli.outcome import outcome
from xstilts.cli.running import run_shown

if TYPE_CHECKING:
    from rich.console import Console

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="The cluster: its dashboard (http://HOST:8265), address (HOST:6379) or file; else "
        "RAY_ADDRESS, else that of cluster.yaml here.",
    ),
]
JobArgument = Annotated[
    str,
    typer.Argument(
        metavar="SWEEP", help="Sweep file, name of a sweep (demo, demo-v2), or id of a job."
    ),
]
_STYLES = {"done": "green", "failed": "bold red", "lost": "bold red", "stopped": "yellow"}


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    app.command()(submit)
    app.command()(stop)
    app.command()(logs)
    app.command("run-value", hidden=True)(run_value)


def submit(
    sweep: SweepArgument,
    address: AddressOption = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return once the job runs, without its log.")
    ] = False,
    remake: RemakeOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Run a sweep as a job of a cluster.

    Ctrl-C leaves the job to itself; the same command watches it again, or carries on from where it
    ended.
    """
    from xstilts import api
    from xstilts.cli.console import console, say

    aside = console(stderr=True)
    watched: list[str] = []

    def begun(job: str, joined: bool) -> None:
        watched.append(job)
        say(aside, f"{job} runs already; its log from the beginning:" if joined else f"job {job}")

    with outcome(as_json) as show, _may_leave(watched, address, aside):
        state = api.submit(
            sweep,
            address=address,
            store=store,
            mirror=mirror,
            tracking=tracking,
            remake=remake or (),
            wait=not no_wait,
            log=_printer(as_json),
            tell=lambda said: say(aside, said),
            begun=begun,
        )
        show(state.to_json(), show_job)
    raise typer.Exit(_exit_code(state.to_json()))


def stop(sweep: JobArgument, address: AddressOption = None, as_json: JsonOption = False) -> None:
    """End the job of a sweep; its phases keep partial checkpoints."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli.console import console, say

        aside = console(stderr=True)
        state = api.stop(sweep, address=address, tell=lambda said: say(aside, said))
        show(state.to_json(), show_job)


def logs(
    sweep: JobArgument,
    address: AddressOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what the job of a sweep has printed."""
    from xstilts import api
    from xstilts.cli.console import console, say

    aside = console(stderr=True)
    with outcome(as_json) as show, _may_leave([sweep] if follow else [], address, aside):
        state = api.logs(
            sweep,
            address=address,
            follow=follow,
            log=_printer(as_json),
            tell=lambda said: say(aside, said),
        )
        show(state.to_json(), show_job if follow else _nothing)


def is_asked_of_a_cluster(sweep: str, address: str | None) -> bool:
    """Whether `xstilts status` is about a job: a cluster is named, or there is one and SWEEP is a
    name and nothing on this machine.
    """
    if address is not None:
        return True
    from xstilts.clusters.address import CLUSTER_FILE

    there = bool(os.environ.get("RAY_ADDRESS")) or os.path.isfile(CLUSTER_FILE)
    is_name = not sweep.endswith((".yaml", ".yml")) and os.sep not in sweep
    return there and is_name and not os.path.exists(sweep)


def status(sweep: str, address: str | None, as_json: bool) -> None:
    """What `xstilts status --address` shows: the newest job of a sweep."""
    with outcome(as_json) as show:
        from xstilts import api

        show(api.job_status(sweep, address=address).to_json(), show_job)


def run_value(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sweep as JSON, from Python.")],
    remake: RemakeOption = None,
    store: StoreOption = None,
    mirror: MirrorOption = None,
    tracking: TrackingOption = None,
) -> None:
    """Run a sweep that was submitted from Python."""
    from pathlib import Path

    from xstilts.spec.sweep import Sweep

    sweep = Sweep.model_validate_json(Path(file).read_text(encoding="utf-8"))
    run_shown(sweep, store=store, mirror=mirror, tracking=tracking, remake=remake or ())


def show_job(console: Console, job: dict[str, Any]) -> None:
    """How a job stands."""
    from xstilts.cli.console import say

    say(console, f"{job['job']}: {job['state']}{_how_long(job)}", _STYLES.get(job["state"]))
    say(console, f"  xstilts {job['version']}, store {job['store']}")
    if job["last"]:
        say(console, f"  {job['last']}")
    if job["state"] == "failed":
        say(console, f"  `xstilts logs {shlex.quote(job['job'])}` shows why")
    if job["state"] in ("stopped", "lost"):
        say(console, "  `xstilts submit` of the same sweep carries on from here")


def _how_long(job: dict[str, Any]) -> str:
    """How long a job has run, where the cluster knows, and the exit code of one that failed."""
    from xstilts.cli.progress import duration

    failed = job["state"] == "failed" and job["exit_code"]
    code = f" with exit code {job['exit_code']}" if failed else ""
    until = time.time() if job["state"] in ("running", "waiting") else job["ended"]
    if not job["started"] or not until:
        return code
    word = "after" if job["ended"] else "for"
    return f"{code} {word} {duration(max(0.0, until - job['started']))}"


def _nothing(console: Console, value: Any) -> None:
    """Prints nothing: what was asked for is printed already."""


def _exit_code(job: dict[str, Any]) -> int:
    """That of the run in the job; 1 where it was killed or lost; 0 while it goes on."""
    if job["state"] in ("running", "waiting", "done"):
        return 0
    if job["state"] == "failed" and job["exit_code"]:
        return int(job["exit_code"])
    return 1


def _printer(as_json: bool) -> Callable[[str], None]:
    """Where a job's lines go: standard output, or standard error beside a JSON value."""
    from xstilts.cli.console import console, say

    out = console(stderr=as_json)
    return lambda line: say(out, line)


@contextmanager
def _may_leave(watched: list[str], address: str | None, aside: Console) -> Iterator[None]:
    """Ctrl-C ends the watching of a job that has begun, and says how to find it again."""
    try:
        yield
    except KeyboardInterrupt as asked:
        if not watched:
            raise
        from xstilts.cli.console import say
        from xstilts.driver.signals import number_of

        more = f" --address {shlex.quote(address)}" if address else ""
        name = shlex.quote(watched[0])
        say(
            aside,
            f"the sweep goes on; `xstilts logs {name} --follow{more}` watches it, `xstilts stop "
            f"{name}{more}` ends it",
        )
        raise typer.Exit(128 + number_of(asked)) from asked

"""`xstilts prune`: what of a store nobody needs, and its removal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xstilts.cli.options import JsonOption, StoreOption
from xstilts.cli.outcome import outcome

if TYPE_CHECKING:
    from rich.console import Console

_KINDS = {
    "weights": "checkpoints that no sweep holds",
    "partials": "partial checkpoints of phases that failed or were pruned",
    "damaged": "weights of damaged phases that were moved aside",
    "train": "folders that Ray Train left",
}


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command()(prune)


def prune(
    where: Annotated[
        str, typer.Argument(metavar="STORE_OR_SWEEP", help="A store, or a sweep of one.")
    ],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="chosen|none",
            help="Checkpoints that stay; else what the sweep's `retention:` says, or chosen.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Remove checkpoints and leftovers that nobody needs; never records or predictions."""
    with outcome(as_json) as show:
        from xstilts import api
        from xstilts.cli.console import console
        from xstilts.cli.counting import counting
        from xstilts.errors import InputError

        found = api.prune(where, weights=weights, dry_run=True, store=store)
        if dry_run or not found.items:
            return show(found.to_json(), listed)
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise InputError(
                    "nobody is there to be asked: give --dry-run to see what would go, or --yes to "
                    "remove it"
                )
            listed(console(), found.to_json())
            if found.running or not typer.confirm("Remove it?"):
                return None
        with counting("removed") as tell:
            done = api.prune(where, weights=weights, store=store, tell=tell)
        show(done.to_json(), listed)


def listed(console: Console, found: dict[str, Any]) -> None:
    """What can go or is gone, a line for each kind, and what making it again would cost."""
    from xstilts.cli.console import say

    for kind, total in found["totals"].items():
        say(console, f"{size(total['bytes']):>10}  {total['number']:>7,}  {_KINDS[kind]}")
    verb = "removed" if found["removed"] else "can go"
    say(console, f"{verb} in {found['store']}: {size(found['bytes'])}")
    say(console, f"checkpoints that stay: {found['kept']:,}")
    for device, seconds in found["device_seconds"].items():
        say(console, f"training again what {verb}: {seconds / 3600:,.1f} hours of {device}")
    if "weights" in found["totals"]:
        say(console, "one of them again, by its name in --json: xstilts run SWEEP --remake NAME")
    for driver in found["running"]:
        say(console, f"nothing is removed while a run needs it: {driver}", "yellow")


def size(count: float) -> str:
    """Bytes in words: `1.2 GB`."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,.0f} bytes"

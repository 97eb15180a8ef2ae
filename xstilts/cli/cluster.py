"""`xstilts cluster`: what belongs to the machines of a cluster."""

from __future__ import annotations

import typer

from xstilts.cli.spot import watch_spot

app = typer.Typer(
    help="What belongs to the machines of a cluster.", no_args_is_help=True, rich_markup_mode=None
)
app.command()(watch_spot)

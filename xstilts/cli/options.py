"""Arguments and options that several verbs have."""

from __future__ import annotations

from typing import Annotated

import typer

SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep file.")]
RanArgument = Annotated[
    str, typer.Argument(metavar="SWEEP", help="Sweep file, or a sweep's folder in a store.")
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Folder or address (s3://bucket/prefix) of the store; overrides the file's."
    ),
]
MirrorOption = Annotated[
    str | None,
    typer.Option(
        "--mirror",
        envvar="XSTILTS_MIRROR",
        help="Folder or address with hub snapshots, used before the hub.",
    ),
]
TrackingOption = Annotated[
    str | None, typer.Option("--tracking", help="MLflow tracking URI; `off` for none.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value for scripts.")]

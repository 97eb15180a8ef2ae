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
RemakeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--remake",
        metavar="PHASE_OR_SLOT",
        help="Train this phase again, whose checkpoint was dropped. Repeatable.",
    ),
]
NodesOption = Annotated[
    str | None,
    typer.Option(
        "--nodes",
        metavar="4xA100-80GB,2xL4",
        help="GPUs of a cluster: simulate the schedule on it (2x8xH100: two nodes of eight).",
    ),
]
SlotsPerGpuOption = Annotated[
    int | None,
    typer.Option("--slots-per-gpu", min=1, help="With --nodes: phases that share a GPU."),
]
PriceOption = Annotated[
    str | None,
    typer.Option(
        "--price",
        metavar="3.2,0.8",
        help="With --nodes: price of a GPU for an hour, one for each kind or one for all.",
    ),
]
GanttOption = Annotated[
    str | None,
    typer.Option("--gantt", metavar="FILE", help="With --nodes: draw the schedule (.png or .svg)."),
]

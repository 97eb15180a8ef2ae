"""`xstilts cluster watch-spot`: runs beside the Ray node of a spot machine."""

from __future__ import annotations

from typing import Annotated

import typer

from xstilts.cli.outcome import outcome


def watch_spot(
    address: Annotated[
        str,
        typer.Option(
            "--address", envvar="RAY_ADDRESS", help="The cluster's head, as in `ray start`."
        ),
    ],
    node_id: Annotated[
        str | None,
        typer.Option("--node-id", help="Ray's id of this node; else found by the address."),
    ] = None,
    metadata: Annotated[
        str,
        typer.Option(
            "--metadata",
            envvar="AWS_EC2_METADATA_SERVICE_ENDPOINT",
            help="Address of the machine's metadata service.",
        ),
    ] = "http://169.254.169.254",
) -> None:
    """Wait until this spot machine is to be taken away, then let its phases go elsewhere."""
    with outcome(as_json=False):
        from xstilts.clusters import spot
        from xstilts.driver import nodes

        def tell(said: str) -> None:
            print(said, flush=True)

        def drain(notice: spot.Notice) -> str:
            said = f"the machine will be gone ({notice.action})"
            return nodes.drain(address, node_id, said, notice.seconds)

        spot.watch(spot.Metadata(metadata), drain, tell)

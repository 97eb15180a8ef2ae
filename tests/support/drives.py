"""The engine's adapters without Ray: what they share, over places that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xstilts.driver.board import Board
from xstilts.driver.budget import Meter
from xstilts.driver.departures import Departures
from xstilts.driver.drive import Drive
from xstilts.driver.slots import Node, Slots
from xstilts.spec.sweep import Sweep


def places(sweep: Sweep, *nodes: Node, own: bool = True) -> Slots:
    """The places of a cluster of these nodes; two CPUs without any."""
    found = Slots(sweep.resources)
    found.nodes, found.own = nodes or (Node(cpus=2, gpus=0),), own
    return found


def drive_of(
    board: Board,
    sweep: Sweep,
    slots: Slots | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    watch: Callable[[dict[str, Any]], None] = lambda snapshot: None,
    departures: Departures | None = None,
) -> Drive:
    """What the adapters share in a run that has begun; no process departs unless told."""
    meter = Meter(sweep.budget, sweep.resources, clock=clock)
    none = Departures(board.store, 0, board.ledger.path.parent / "hung", clock=clock)
    return Drive(
        board,
        sweep,
        {},
        slots or places(sweep),
        meter,
        watch,
        lambda: None,
        departures or none,
    )

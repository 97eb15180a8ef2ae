"""Learning curves, and scores of retrieval by hidden state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from xstilts.results.figures.style import PALETTE, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xstilts.store.results import CurvePoint


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One training: its steps with the loss and, at evaluations, the development score."""

    label: str
    colour: str
    points: Sequence[CurvePoint]
    shows: tuple[str, ...] = ("dev", "loss")
    """Fields of the points that are drawn."""


def mean(curves: Sequence[Curve]) -> Curve:
    """The mean of several curves of one kind at each step that all of them have; its label says
    of how many.
    """
    shared = set.intersection(*({point.step for point in curve.points} for curve in curves))
    at = [[p for p in curve.points if p.step in shared] for curve in curves]
    first = curves[0]
    return Curve(
        label=f"{first.label} (mean of {len(curves)})",
        colour=first.colour,
        points=[_mean_point(points) for points in zip(*at, strict=True)],
        shows=first.shows,
    )


def _mean_point(points: Sequence[CurvePoint]) -> CurvePoint:
    """The mean of the points of one step; a development score where all have one."""
    dev = [point.dev for point in points if point.dev is not None]
    members = [point.dev_by_task for point in points if point.dev_by_task is not None]
    whole = len(members) == len(points)
    names = [one for one in members[0] if all(one in own for own in members)] if whole else []
    return points[0]._replace(
        loss=fmean(point.loss for point in points),
        dev=fmean(dev) if len(dev) == len(points) else None,
        dev_by_task={one: fmean(own[one] for own in members) for one in names} if whole else None,
    )


def learning_curves(panels: Mapping[str, Sequence[Curve]]) -> Figure:
    """Two rows, development score and training loss; a column for each panel."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = max(1, len(panels))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(4.0, 1 + 2.0 * columns), 4.1), layout="constrained")
        grid = figure.subplots(2, columns, squeeze=False, sharex="col")
        handles: dict[str, Any] = {}
        for j, (name, panel) in enumerate(panels.items()):
            for row, key in enumerate(("dev", "loss")):
                _lines(grid[row][j], panel, key, handles)
            grid[0][j].set_title(name, loc="left")
            grid[1][j].set_xlabel("step")
        grid[0][0].set_ylabel("English dev score, %")
        grid[1][0].set_ylabel("training loss")
        figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower left",
            ncols=min(2 + 2 * columns, max(1, len(handles))),
        )
    return figure


def _lines(axes: Axes, panel: Sequence[Curve], key: str, handles: dict[str, Any]) -> None:
    for curve in panel:
        if key not in curve.shows:
            continue
        points = [(p.step, y) for p in curve.points if (y := getattr(p, key)) is not None]
        if not points:
            continue
        steps, values = zip(*points, strict=True)
        dot = 2.8 if key == "dev" else 0
        (line,) = axes.plot(
            steps, values, "o-", markersize=dot, color=curve.colour, linewidth=1.2, alpha=0.85
        )
        handles.setdefault(curve.label, line)
    axes.grid(color="#eaecf0", linewidth=0.8)
    axes.set_axisbelow(True)


@dataclass(frozen=True, kw_only=True)
class LayerLine:
    """Scores of one intermediate by hidden state."""

    label: str
    colour: str
    layers: Sequence[int]
    values: Sequence[float]


def layer_curves(
    panels: Mapping[str, Sequence[LayerLine]], title: str, metric: str, main: tuple[int, str] | None
) -> Figure:
    """A panel for each pooling: score by hidden state; a vertical line marks `main`, the reported
    (layer, pooling).
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    across = max(1, len(panels))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(4.2, 0.6 + 3.1 * across), 3.4), layout="constrained")
        grid = figure.subplots(1, across, squeeze=False, sharey=True)
        handles: dict[str, Any] = {}
        for axes, (pooling, lines) in zip(grid.flat, panels.items(), strict=False):
            for line in lines:
                width = 2.0 if line.colour == PALETTE[0] else 1.3
                (drawn,) = axes.plot(
                    line.layers, line.values, "o-", color=line.colour, linewidth=width, markersize=3
                )
                handles.setdefault(line.label, drawn)
            if main is not None and main[1] == pooling:
                _mark_reported(axes, main[0])
            axes.set_title(f"pooling: {pooling}", loc="left")
            axes.set_xlabel("hidden state (0: embeddings)")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(color="#eaecf0", linewidth=0.8)
            axes.set_axisbelow(True)
        grid[0][0].set_ylabel(f"{metric}, mean over languages, %")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=10)
        figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower left",
            ncols=max(1, min(3 * across, len(handles))),
        )
    return figure


def _mark_reported(axes: Axes, layer: int) -> None:
    axes.axvline(layer, color="#344054", linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "reported",
        (layer, 1),
        (3, -2),
        xycoords=("data", "axes fraction"),
        fontsize=7.5,
        textcoords="offset points",
        va="top",
        color="#344054",
    )

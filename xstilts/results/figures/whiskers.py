"""Gains of pairs as dots with their intervals, a panel for each target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xstilts.results.figures.style import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One dot with its whiskers."""

    label: str
    gain: float | None
    low: float | None
    high: float | None
    significant: bool
    colour: str


def interval_panels(panels: Mapping[str, Sequence[Interval]], title: str) -> Figure:
    """A panel for each target: the gain of each intermediate with its interval; the dot is filled
    where the gain is significant.

    The gains set the axis: a whisker beyond three times the largest gain ends in an arrow.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = max((len(panel) for panel in panels.values()), default=1)
    across = min(4 if len(panels) < 9 else 5, max(1, len(panels)))
    down = math.ceil(len(panels) / across)
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(1.2 + 1.75 * across, 0.7 + down * (0.75 + 0.26 * rows)), layout="constrained"
        )
        grid = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes, (name, panel) in zip(grid.flat, panels.items(), strict=False):
            _whiskers(axes, panel)
            axes.set_title(name, loc="left")
        figure.supxlabel("gain over the baseline, points", fontsize=8.5, color="#344054")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=10)
    return figure


def _whiskers(axes: Axes, panel: Sequence[Interval]) -> None:
    axes.axvline(0, color="#98a2b3", linewidth=1)
    gains = [abs(item.gain) for item in panel if item.gain is not None]
    ends = [abs(e) for item in panel for e in (item.low, item.high) if e is not None]
    reach = max([1.0, *gains])
    limit = 1.08 * min(max([reach, *ends]), 3 * reach)
    for i, item in enumerate(panel):
        if item.gain is None:
            axes.text(0, i, " no score", va="center", fontsize=7.5, color="#98a2b3")
            continue
        if item.low is not None and item.high is not None:
            axes.plot(
                [item.low, item.high],
                [i, i],
                color=item.colour,
                linewidth=1.8,
                solid_capstyle="butt",
            )
            for end, arrow in ((item.low, "<"), (item.high, ">")):
                if abs(end) > limit:
                    axes.plot(
                        [limit if end > 0 else -limit],
                        [i],
                        arrow,
                        color=item.colour,
                        markersize=5,
                        clip_on=False,
                    )
        face = item.colour if item.significant else "white"
        axes.plot(
            [item.gain],
            [i],
            "o",
            markersize=6,
            markeredgecolor=item.colour,
            markerfacecolor=face,
            zorder=3,
        )
    axes.set_yticks(range(len(panel)), [item.label for item in panel])
    axes.set_ylim(len(panel) - 0.5, -0.5)
    axes.set_xlim(-limit, limit)
    axes.grid(axis="x", color="#eaecf0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)

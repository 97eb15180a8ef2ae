"""The report's pictures: heatmaps of gains, intervals of pair means, learning curves, layer curves.

Each function takes plain tables and returns a matplotlib `Figure`; none knows the store or the
sweep, and none touches pyplot's global state. Blue is a gain, red a loss, white nothing, in every
picture (a map that colour-blind readers can tell apart); `*` marks what stays significant after
Holm's correction. `png` and `svg` turn a figure into bytes that are the same for the same figure.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xstilts.store.results import CurvePoint

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#98a2b3",
    "axes.linewidth": 0.8,
    "axes.labelcolor": "#344054",
    "xtick.color": "#344054",
    "ytick.color": "#344054",
    "text.color": "#101828",
    "svg.hashsalt": "xstilts",
    "svg.fonttype": "path",
    "legend.frameon": False,
    "figure.facecolor": "white",
}
DIVERGING = "RdBu"
PALETTE = (
    "#667085",
    "#1d6fb8",
    "#d9772b",
    "#2f9e6e",
    "#8e5bb5",
    "#c23b3b",
    "#0c8599",
    "#a07b1c",
    "#d6548c",
    "#5b6ad0",
    "#7a9a2e",
)
"""First for the baseline, then the intermediates in their order."""
LONG = 16
"""With more columns than this a heatmap is turned: languages downwards."""
DEEPEST = 0.78
"""How far into the colour map the largest gain reaches: its ends are too dark to write on."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A grid of gains in percent points; None where there is no number."""

    rows: Sequence[str]
    columns: Sequence[str]
    gains: Sequence[Sequence[float | None]]
    marks: Sequence[Sequence[bool]]
    """Significant after Holm's correction."""
    daggers: Sequence[Sequence[bool]]
    """Trained on the target's own training data."""
    rules_after: Sequence[int] = ()
    """Columns that a thin line follows."""

    def turned(self) -> Cells:
        """Rows as columns; the rules follow rows then."""
        return Cells(
            rows=self.columns,
            columns=self.rows,
            gains=list(zip(*self.gains, strict=True)),
            marks=list(zip(*self.marks, strict=True)),
            daggers=list(zip(*self.daggers, strict=True)),
            rules_after=self.rules_after,
        )

    @property
    def limit(self) -> float:
        """Largest gain or loss, at least 1: the ends of the colour map."""
        return max([1.0, *(abs(g) for row in self.gains for g in row if g is not None)])


def heatmap(cells: Cells, title: str, *, note: str = "") -> Figure:
    """Gains as colours centred at 0 with the number in each cell; `note` stands below."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    turn = len(cells.columns) > LONG
    shown = cells.turned() if turn else cells
    width, height = (
        (0.72 if len(shown.columns) < 11 else 0.62) * len(shown.columns),
        (0.27 if turn else 0.38) * len(shown.rows),
    )
    left = 0.3 + 0.078 * max((len(r) for r in shown.rows), default=1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(width + left + 1.3, 4.2), height + 1.15))
        axes = figure.add_axes(
            (
                left / figure.get_figwidth(),
                0.12 / figure.get_figheight(),
                width / figure.get_figwidth(),
                height / figure.get_figheight(),
            )
        )
        image = _grid(axes, shown, cells.limit)
        _rules(axes, shown, turn)
        axes.set_title(title, loc="left", pad=10)
        _labels(axes, shown)
        axes.annotate(
            note,
            (0, 0),
            (0, -6),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=7.5,
            color="#475467",
        )
        tall = min(1.0, 1.6 / height)
        bar = figure.colorbar(
            image, cax=axes.inset_axes((1 + 0.25 / width, 1 - tall, 0.12 / width, tall))
        )
        bar.ax.set_ylim(-cells.limit, cells.limit)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.ax.tick_params(labelsize=7, length=2)
        bar.set_label("gain, points", fontsize=7.5)
    return figure


def _grid(axes: Axes, cells: Cells, limit: float) -> Any:
    import numpy as np

    values = np.array(
        [[np.nan if g is None else g for g in row] for row in cells.gains], dtype=float
    )
    image = axes.pcolormesh(
        np.ma.masked_invalid(values),
        cmap=DIVERGING,
        vmin=-limit / DEEPEST,
        vmax=limit / DEEPEST,
        edgecolors="white",
        linewidth=1.5,
    )
    axes.set_facecolor("#f2f4f7")
    axes.invert_yaxis()
    for i, row in enumerate(cells.gains):
        for j, gain in enumerate(row):
            strong = cells.marks[i][j]
            text = (
                "–"
                if gain is None
                else f"{signed(gain)}{'*' if strong else ''}{'†' if cells.daggers[i][j] else ''}"
            )
            dark = gain is not None and abs(gain) > 0.75 * limit
            axes.text(
                j + 0.5,
                i + 0.5,
                text,
                ha="center",
                va="center",
                fontsize=8.5,
                color="white" if dark else "#101828" if gain is not None else "#98a2b3",
                fontweight="bold" if strong else "normal",
            )
    return image


def _rules(axes: Axes, cells: Cells, turned: bool) -> None:
    for after in cells.rules_after:
        draw = axes.axhline if turned else axes.axvline
        draw(after + 1, color="#475467", linewidth=1.2)


def _labels(axes: Axes, cells: Cells) -> None:
    axes.set_yticks([i + 0.5 for i in range(len(cells.rows))], cells.rows)
    slant = max((len(c) for c in cells.columns), default=0) > 9
    axes.set_xticks(
        [i + 0.5 for i in range(len(cells.columns))],
        cells.columns,
        rotation=25 if slant else 0,
        ha="left" if slant else "center",
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One dot with its whiskers."""

    label: str
    gain: float | None
    low: float | None
    high: float | None
    significant: bool
    colour: str


def intervals(panels: Mapping[str, Sequence[Interval]], title: str) -> Figure:
    """A panel for each target: the gain of each intermediate with its interval; filled where
    significant.

    The axis follows the gains: a whisker beyond three times the largest of them ends in an arrow.
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


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One training: steps with the loss, and where it was evaluated the development score."""

    label: str
    colour: str
    points: Sequence[CurvePoint]
    shows: tuple[str, ...] = ("dev", "loss")
    """What of its points is drawn."""


def curves(panels: Mapping[str, Sequence[Curve]]) -> Figure:
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


def layers(
    panels: Mapping[str, Sequence[LayerLine]], title: str, metric: str, main: tuple[int, str] | None
) -> Figure:
    """A panel for each pooling: score against hidden state; a line down marks `main`, the reported
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
                axes.axvline(main[0], color="#344054", linewidth=1, linestyle=(0, (4, 3)))
                axes.annotate(
                    "reported",
                    (main[0], 1),
                    (3, -2),
                    xycoords=("data", "axes fraction"),
                    fontsize=7.5,
                    textcoords="offset points",
                    va="top",
                    color="#344054",
                )
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


def signed(value: float, digits: int = 1) -> str:
    """`+1.3`, `−0.4`, `0.0`: a sign only where the shown digits have one."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def png(figure: Figure) -> bytes:
    """The figure as PNG, 160 dots an inch."""
    out = io.BytesIO()
    figure.savefig(
        out, format="png", dpi=160, bbox_inches="tight", pad_inches=0.1, metadata={"Software": None}
    )
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, letters as outlines, so that it needs no font."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(
            out, format="svg", bbox_inches="tight", pad_inches=0.1, metadata={"Date": None}
        )
    return out.getvalue()

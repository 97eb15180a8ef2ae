"""Heatmaps: a grid of gains as colours, with the number in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xstilts.results.figures.style import DIVERGING, STYLE, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG = 16
"""With more columns than this a heatmap is transposed: languages become rows."""
DEEPEST = 0.78
"""Share of the colour map that the largest gain reaches: its ends are too dark to write on."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A grid of gains in percent points; None where there is no number."""

    rows: Sequence[str]
    columns: Sequence[str]
    gains: Sequence[Sequence[float | None]]
    marks: Sequence[Sequence[bool]]
    """Significant after Holm's correction."""
    daggers: Sequence[Sequence[bool]]
    """The intermediate trained on the target's own training data."""
    rules_after: Sequence[int] = ()
    """Columns with a thin line after them."""

    def transposed(self) -> Cells:
        """Rows as columns; the rules then follow rows."""
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
        """The largest gain or loss, at least 1; it sets the ends of the colour map."""
        return max([1.0, *(abs(g) for row in self.gains for g in row if g is not None)])


def heatmap(cells: Cells, title: str, *, note: str = "") -> Figure:
    """Gains as colours centred at 0, with the number in each cell and `note` below the grid."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    transpose = len(cells.columns) > LONG
    shown = cells.transposed() if transpose else cells
    width, height = (
        (0.72 if len(shown.columns) < 11 else 0.62) * len(shown.columns),
        (0.27 if transpose else 0.38) * len(shown.rows),
    )
    left = 0.3 + 0.078 * max((len(r) for r in shown.rows), default=1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(width + left + 1.3, 4.2), height + 1.15))
        across, down = figure.get_figwidth(), figure.get_figheight()
        axes = figure.add_axes((left / across, 0.12 / down, width / across, height / down))
        image = _grid(axes, shown, cells.limit)
        _rules(axes, shown, transpose)
        axes.set_title(title, loc="left", pad=10)
        _labels(axes, shown)
        _note(axes, note)
        _colour_bar(figure, axes, image, width, height, cells.limit)
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


def _rules(axes: Axes, cells: Cells, transposed: bool) -> None:
    for after in cells.rules_after:
        draw = axes.axhline if transposed else axes.axvline
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


def _note(axes: Axes, note: str) -> None:
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


def _colour_bar(
    figure: Figure, axes: Axes, image: Any, width: float, height: float, limit: float
) -> None:
    """`width` and `height` of the grid in inches."""
    tall = min(1.0, 1.6 / height)
    bar = figure.colorbar(
        image, cax=axes.inset_axes((1 + 0.25 / width, 1 - tall, 0.12 / width, tall))
    )
    bar.ax.set_ylim(-limit, limit)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.tick_params(labelsize=7, length=2)
    bar.set_label("gain, points", fontsize=7.5)

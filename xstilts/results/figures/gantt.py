"""A schedule as bars: a row for each place, a bar for each phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xstilts.planning.schedule import Schedule
from xstilts.results.figures.style import PALETTE, STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHADES = {"pretrain": 1.0, "intermediate": 1.0, "target": 0.65, "evaluate": 0.3}
"""Kind of phase to how strong its colour is."""
_MOST_ROWS = 40
"""More places share the height of these."""


def gantt(schedule: Schedule, labels: Sequence[str], title: str) -> Figure:
    """The schedule in hours; a colour for each of `labels`, the intermediates of the sweep, the
    baseline first. Trainings of intermediates are dark, of targets lighter, evaluations lightest.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(labels)}
    rows = sum(schedule.places.values())
    with mpl.rc_context(STYLE):
        height = 0.9 + 0.2 * max(3, min(rows, _MOST_ROWS)) + 0.18 * -(-len(labels) // 6)
        figure = Figure(figsize=(8.5, height), layout="constrained")
        axes = figure.subplots()
        for run in schedule.runs:
            axes.barh(
                run.place,
                (run.ended - run.began) / 3600,
                left=run.began / 3600,
                height=0.8,
                color=colours.get(run.slot.intermediate, "#101828"),
                alpha=_SHADES[run.slot.kind],
                linewidth=0,
            )
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_xlim(0, max(schedule.seconds / 3600, 1e-9))
        axes.set_yticks(*_ticks(schedule))
        axes.set_xlabel("hours")
        axes.set_title(title, loc="left")
        figure.legend(
            handles=[Patch(color=colours[label], label=label) for label in labels],
            loc="outside lower left",
            ncols=6,
            fontsize=8,
        )
    return figure


def _ticks(schedule: Schedule) -> tuple[list[float], list[str]]:
    """The middle of each kind's places, with its name and number."""
    at, names, first = [], [], 0
    for kind, count in schedule.places.items():
        at.append(first + (count - 1) / 2)
        names.append(f"{count} x {kind}" if kind else f"{count}")
        first += count
    return at, names

"""The pictures: that they can be drawn for odd grids, and are the same each time."""

from __future__ import annotations

import pytest

from xstilts.results import figures
from xstilts.store.results import CurvePoint


def _cells(rows: int, columns: int, gain: float | None = 1.0) -> figures.Cells:
    return figures.Cells(
        rows=[f"r{i}" for i in range(rows)],
        columns=[f"c{i}" for i in range(columns)],
        gains=[[gain] * columns] * rows,
        marks=[[True] * columns] * rows,
        daggers=[[False] * columns] * rows,
    )


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 3), (10, 40), (3, 17)])
def test_heatmap_any_size_is_drawn(rows: int, columns: int) -> None:
    figure = figures.heatmap(_cells(rows, columns), "title", note="note")
    assert len(figure.axes[0].texts) >= rows * columns


def test_heatmap_many_columns_are_turned() -> None:
    figure = figures.heatmap(_cells(2, 40), "title")
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["r0", "r1"]


def test_heatmap_colours_are_centred_at_zero() -> None:
    image = figures.heatmap(_cells(2, 2, gain=-7.0), "title").axes[0].collections[0]
    low, high = image.get_clim()
    assert low == -high


def test_heatmap_missing_cell_is_a_dash() -> None:
    figure = figures.heatmap(_cells(1, 1, gain=None), "title")
    assert figure.axes[0].texts[0].get_text() == "–"


def test_svg_same_figure_same_bytes() -> None:
    first, second = (figures.svg(figures.heatmap(_cells(2, 2), "title")) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("value", "text"), [(1.26, "+1.3"), (-0.44, "−0.4"), (0.04, "0.0"), (-0.04, "0.0")]
)
def test_signed_has_a_sign_only_where_digits_do(value: float, text: str) -> None:
    assert figures.signed(value) == text


def test_intervals_missing_pair_and_endless_whisker_are_drawn() -> None:
    def item(**given: float | None) -> figures.Interval:
        return figures.Interval(
            **{
                "label": "a",
                "gain": 1.0,
                "low": 0.0,
                "high": 2.0,
                "significant": False,
                "colour": "red",
            }
            | given
        )

    panel = [item(), item(gain=None, low=None, high=None), item(low=-500.0, high=500.0)]
    axes = figures.intervals({"t": panel}, "title").axes[0]
    assert axes.get_xlim()[1] < 10


def test_layers_marks_the_reported_layer_in_its_panel_alone() -> None:
    line = figures.LayerLine(label="a", colour="red", layers=[0, 1, 2], values=[1.0, 3.0, 2.0])
    figure = figures.layers({"mean": [line], "cls": [line]}, "title", "accuracy", (1, "cls"))
    assert [len(axes.lines) for axes in figure.axes] == [1, 2]


def test_intervals_of_nine_targets_stand_in_two_rows() -> None:
    item = figures.Interval(label="a", gain=1.0, low=0.0, high=2.0, significant=False, colour="red")
    figure = figures.intervals({f"t{i}": [item] for i in range(9)}, "title")
    assert sum(axes.get_visible() for axes in figure.axes) == 9
    assert len(figure.axes) == 10


def test_curves_without_development_scores_draw_the_loss() -> None:
    curve = figures.Curve(
        label="a",
        colour="red",
        points=[CurvePoint(step=1, loss=2.0, lr=0.1), CurvePoint(step=2, loss=1.0, lr=0.1)],
    )
    figure = figures.curves({"t": [curve]})
    assert [len(axes.lines) for axes in figure.axes] == [0, 1]

"""Heatmaps: odd grids can be drawn."""

from __future__ import annotations

import pytest

from xstilts.results.figures.grids import Cells, heatmap


def _cells(rows: int, columns: int, gain: float | None = 1.0) -> Cells:
    return Cells(
        rows=[f"r{i}" for i in range(rows)],
        columns=[f"c{i}" for i in range(columns)],
        gains=[[gain] * columns] * rows,
        marks=[[True] * columns] * rows,
        daggers=[[False] * columns] * rows,
    )


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 3), (10, 40), (3, 17)])
def test_heatmap_any_size_is_drawn(rows: int, columns: int) -> None:
    figure = heatmap(_cells(rows, columns), "title", note="note")
    assert len(figure.axes[0].texts) >= rows * columns


def test_heatmap_many_columns_are_turned() -> None:
    figure = heatmap(_cells(2, 40), "title")
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["r0", "r1"]


def test_heatmap_colours_are_centred_at_zero() -> None:
    image = heatmap(_cells(2, 2, gain=-7.0), "title").axes[0].collections[0]
    low, high = image.get_clim()
    assert low == -high


def test_heatmap_missing_cell_is_a_dash() -> None:
    figure = heatmap(_cells(1, 1, gain=None), "title")
    assert figure.axes[0].texts[0].get_text() == "–"

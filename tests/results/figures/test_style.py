"""Signs of numbers, and figures as bytes."""

from __future__ import annotations

import pytest

from xstilts.results.figures.grids import Cells, heatmap
from xstilts.results.figures.style import signed, svg


def _cells(rows: int, columns: int, gain: float | None = 1.0) -> Cells:
    return Cells(
        rows=[f"r{i}" for i in range(rows)],
        columns=[f"c{i}" for i in range(columns)],
        gains=[[gain] * columns] * rows,
        marks=[[True] * columns] * rows,
        daggers=[[False] * columns] * rows,
    )


def test_svg_same_figure_same_bytes() -> None:
    first, second = (svg(heatmap(_cells(2, 2), "title")) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("value", "text"), [(1.26, "+1.3"), (-0.44, "−0.4"), (0.04, "0.0"), (-0.04, "0.0")]
)
def test_signed_has_a_sign_only_where_digits_do(value: float, text: str) -> None:
    assert signed(value) == text

"""Learning curves and layer curves: what is drawn where."""

from __future__ import annotations

from xstilts.results.figures.lines import Curve, LayerLine, layer_curves, learning_curves
from xstilts.store.results import CurvePoint


def test_layers_marks_the_reported_layer_in_its_panel_alone() -> None:
    line = LayerLine(label="a", colour="red", layers=[0, 1, 2], values=[1.0, 3.0, 2.0])
    figure = layer_curves({"mean": [line], "cls": [line]}, "title", "accuracy", (1, "cls"))
    assert [len(axes.lines) for axes in figure.axes] == [1, 2]


def test_curves_without_development_scores_draw_the_loss() -> None:
    curve = Curve(
        label="a",
        colour="red",
        points=[CurvePoint(step=1, loss=2.0, lr=0.1), CurvePoint(step=2, loss=1.0, lr=0.1)],
    )
    figure = learning_curves({"t": [curve]})
    assert [len(axes.lines) for axes in figure.axes] == [0, 1]

"""Intervals: odd panels can be drawn."""

from __future__ import annotations

from xstilts.results.figures.whiskers import Interval, interval_panels


def test_intervals_missing_pair_and_endless_whisker_are_drawn() -> None:
    def item(**given: float | None) -> Interval:
        return Interval(
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
    axes = interval_panels({"t": panel}, "title").axes[0]
    assert axes.get_xlim()[1] < 10


def test_intervals_of_nine_targets_stand_in_two_rows() -> None:
    item = Interval(label="a", gain=1.0, low=0.0, high=2.0, significant=False, colour="red")
    figure = interval_panels({f"t{i}": [item] for i in range(9)}, "title")
    assert sum(axes.get_visible() for axes in figure.axes) == 9
    assert len(figure.axes) == 10

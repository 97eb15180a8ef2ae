"""A schedule as bars."""

from __future__ import annotations

import pytest

from tests.support.sweeps import paper_grid, small
from xstilts.planning import make_plan
from xstilts.planning.schedule import Places, simulate
from xstilts.results.figures.gantt import gantt
from xstilts.results.figures.style import PALETTE, png


def test_gantt_has_a_bar_for_each_phase_in_the_row_of_its_place() -> None:
    plan = make_plan(small())
    schedule = simulate(
        plan,
        [
            Places(kind="H100", count=1, seconds=lambda slot: 3600.0),
            Places(kind="L4", count=2, seconds=lambda slot: 7200.0),
        ],
    )
    figure = gantt(schedule, plan.sweep.labels, "title")
    (axes,) = figure.axes
    assert len(axes.patches) == len(schedule.runs)
    bar, run = axes.patches[0], schedule.runs[0]
    assert (bar.get_x(), bar.get_width()) == (run.began / 3600, (run.ended - run.began) / 3600)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1 x H100", "2 x L4"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["none", "good", "bad"]


def test_gantt_colours_are_those_of_the_intermediates() -> None:
    from matplotlib.colors import to_hex

    plan = make_plan(small())
    schedule = simulate(plan, [Places(kind="", count=1, seconds=lambda slot: 3600.0)])
    (axes,) = gantt(schedule, plan.sweep.labels, "title").axes
    for bar, run in zip(axes.patches, schedule.runs, strict=True):
        label = plan.sweep.labels.index(run.slot.intermediate)
        assert to_hex(bar.get_facecolor()) == PALETTE[label]


@pytest.mark.parametrize("count", [1, 200])
def test_gantt_of_any_size_can_be_drawn(count: int) -> None:
    plan = make_plan(paper_grid())
    schedule = simulate(plan, [Places(kind="L4", count=count, seconds=lambda slot: 60.0)])
    assert png(gantt(schedule, plan.sweep.labels, "$ odd <title>")).startswith(b"\x89PNG")


def test_gantt_of_a_finished_sweep_is_empty_and_can_be_drawn() -> None:
    plan = make_plan(small())
    done = frozenset(slot.identity for slot in plan.slots)
    schedule = simulate(plan, [Places(kind="L4", count=1, seconds=lambda slot: 60.0)], done)
    assert png(gantt(schedule, plan.sweep.labels, "title"))

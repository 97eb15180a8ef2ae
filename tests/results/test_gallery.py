"""Which pictures a report has."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from tests.support.builders import build_store, record_file
from xstilts.results import layers
from xstilts.results.figures.style import PALETTE
from xstilts.results.gallery import cells, drawn, language_order, palette, pictures
from xstilts.results.scores import table
from xstilts.results.statistics import gains
from xstilts.store.sweeps import read_sweep


def _rows(**columns: list) -> pd.DataFrame:
    frame = pd.DataFrame({"p_holm": 0.01, "same_data": False, **columns})
    return frame


def test_pictures_are_named_for_what_they_show(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("tags", "pairs"), intermediates=("none", "noise"), examples=20
    )
    scores, sweep = table(store, folder), read_sweep(folder)
    swept = layers.curves(store, scores, sweep)
    found = pictures(store, scores, gains(scores, store, resamples=20), sweep, swept)
    assert list(found) == [
        "heatmap",
        "intervals",
        "languages tags",
        "languages pairs",
        "curves",
        "curves intermediates",
    ]


def test_pictures_damaged_training_has_no_curve(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "noise"), examples=20
    )
    scores, sweep = table(store, folder), read_sweep(folder)
    for phase in set(scores["intermediate_phase"]) - {""}:
        record_file(store, phase).write_text("{")
    swept = layers.curves(store, scores, sweep)
    found = pictures(store, scores, gains(scores, store, resamples=20), sweep, swept)
    assert "curves" in found
    assert "curves intermediates" not in found


def test_palette_is_grey_for_the_baseline_and_goes_round() -> None:
    labels = ["a", "none", *(f"i{n}" for n in range(len(PALETTE)))]
    found = palette(pd.DataFrame({"intermediate": labels}))
    assert found["none"] == PALETTE[0]
    assert found["a"] == PALETTE[1] == found[f"i{len(PALETTE) - 2}"]


def test_cells_missing_pairs_are_empty_and_own_data_has_a_dagger() -> None:
    rows = _rows(intermediate=["a", "b"], target=["t", "t"], gain=[1.5, -2.0])
    grid = cells(rows.assign(same_data=[True, False]), ["a", "b"], ["t", "u"], "target")
    assert grid.gains == [[1.5, None], [-2.0, None]]
    assert grid.daggers == [[True, False], [False, False]]
    assert grid.marks == [[True, False], [True, False]]
    assert grid.rows == ["a", "b"]


def test_language_order_is_trained_then_seen_then_unseen() -> None:
    rows = pd.DataFrame(
        {
            "language": ["sw", "de", "en", "zh"],
            "zero_shot": [True, True, False, True],
            "seen": [False, True, True, False],
        }
    )
    assert language_order(rows) == ["en", "de", "sw", "zh"]


@pytest.mark.parametrize("known", [True, False])
def test_language_order_unknown_languages_keep_the_order_of_the_task(known: bool) -> None:
    rows = pd.DataFrame(
        {"language": ["sw", "de"], "zero_shot": True, "seen": [None, known or None]}
    )
    assert language_order(rows) == ["sw", "de"]


LABELS = (
    "$\\frac$",
    "$",
    "_a_",
    "^",
    "\\",
    "<script>&",
    "%s {}",
    "a|b",
    "a\nb",
    "\u202eab",
    "🙂",
    "[red]",
)


@pytest.mark.parametrize("label", LABELS)
def test_pictures_of_any_names_are_drawn(tmp_path: Path, label: str) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "noise"), seeds=(1,), examples=8
    )
    scores, sweep = table(store, folder), read_sweep(folder)
    swept = layers.curves(store, scores, sweep)
    made = gains(scores, store, resamples=20)
    names = {"noise": label, "pairs": label, "sw": label, "accuracy": label, "base": label}
    scores, made = scores.replace(names), made.replace(names)
    sweep = sweep.model_copy(update={"intermediates": ("none", label), "targets": (label,)})
    found, problems = drawn(pictures(store, scores, made, sweep, swept))()
    assert problems == []
    assert list(found) == [
        "heatmap",
        "intervals",
        f"languages {label}",
        "curves",
        "curves intermediates",
    ]
    assert all(one.png.startswith(b"\x89PNG") and b"<svg" in one.svg for one in found.values())
    assert all(re.fullmatch(r"(figures/)?[A-Za-z0-9_.+-]+\.png", o.file) for o in found.values())


def test_picture_that_cannot_be_drawn_costs_itself_alone(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("tags", "pairs"), intermediates=("none", "noise"), examples=8
    )
    scores, sweep = table(store, folder), read_sweep(folder)
    swept = layers.curves(store, scores, sweep)
    made = gains(scores, store, resamples=20)
    made.loc[made["target"] == "pairs", "gain"] = float("inf")
    found, problems = drawn(pictures(store, scores, made, sweep, swept))()
    assert list(found) == ["languages tags", "curves", "curves intermediates"]
    assert [problem.partition(" could")[0] for problem in problems] == [
        "picture `heatmap`",
        "picture `intervals`",
        "picture `languages pairs`",
    ]
    assert all("(ValueError: Axis limits cannot be NaN or Inf)" in problem for problem in problems)


def test_pictures_never_share_a_file() -> None:
    def nothing() -> Figure:
        return Figure(figsize=(1, 1))

    names = ["heatmap", "a b", "a-b", "A B", "a b-2", "../x", "..-x", "x" * 300, "x" * 301, ""]
    found, problems = drawn(dict.fromkeys(names, nothing))()
    files = [one.file.casefold() for one in found.values()]
    assert not problems and len(set(files)) == len(names)
    assert all(len(one.rpartition("/")[2]) < 220 and ".." not in one[:10] for one in files[:5])

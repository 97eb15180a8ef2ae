"""Gains from stored predictions: arithmetic, pairing, and what is done with damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.builders import build_store
from xstilts.results.compared import COLUMNS
from xstilts.results.in_processes import Processes
from xstilts.results.moderated import EXAMPLES, SEEDS
from xstilts.results.scores import table
from xstilts.results.statistics import compare, gains

SMALL = {"targets": ("tags", "pairs"), "intermediates": ("none", "skill", "noise"), "examples": 120}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    store, folder = build_store(tmp_path_factory.mktemp("store"), **SMALL)
    frame = table(store, folder)
    return store, frame, gains(frame, store, resamples=300)


def _row(
    found: pd.DataFrame, intermediate: str, target: str, level: str, language: str = ""
) -> pd.Series:
    at = (found["intermediate"] == intermediate) & (found["target"] == target)
    (row,) = (
        row
        for _, row in found[
            at & (found["level"] == level) & (found["language"] == language)
        ].iterrows()
    )
    return row


def test_gains_of_many_scores_are_found_in_several_processes_and_equal(world) -> None:
    store, frame, found = world
    with Processes(2) as processes:
        again = compare(frame, store, resamples=300, processes=processes).gains
    pd.testing.assert_frame_equal(again, found, check_exact=True)


def test_gains_rows_are_languages_and_two_means(world) -> None:
    _, _, found = world
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 2 * 2 * (3 + 2)
    assert "none" not in set(found["intermediate"])


def test_gains_of_a_language_is_the_mean_over_seeds(world) -> None:
    _, frame, found = world
    rows = frame[(frame["target"] == "pairs") & (frame["language"] == "de") & frame["primary"]]
    by = rows.groupby("intermediate")["value"].mean()
    row = _row(found, "skill", "pairs", "language", "de")
    assert row["gain"] == pytest.approx(by["skill"] - by["none"])
    assert row["score"] == pytest.approx(by["skill"])
    assert row["baseline"] == pytest.approx(by["none"])
    assert (row["n"], row["seeds"]) == (120, 2)


def test_gains_means_are_unweighted_with_and_without_english(world) -> None:
    _, _, found = world
    one = {
        lang: _row(found, "skill", "tags", "language", lang)["gain"] for lang in ("en", "de", "sw")
    }
    assert _row(found, "skill", "tags", "mean")["gain"] == pytest.approx(
        np.mean(list(one.values()))
    )
    zero_shot = _row(found, "skill", "tags", "zero_shot")
    assert zero_shot["gain"] == pytest.approx((one["de"] + one["sw"]) / 2)
    assert zero_shot["languages"] == 2


def test_gains_interval_holds_the_gain_and_agrees_with_p(world) -> None:
    _, _, found = world
    assert ((found["low"] <= found["gain"]) & (found["gain"] <= found["high"])).all()
    outside = (found["low"] > 0) | (found["high"] < 0)
    assert (outside == (found["p"] < 0.05)).all()
    assert (found["p_holm"] >= found["p"]).all()


def test_gains_holm_families_are_languages_and_means_apart(world) -> None:
    _, _, found = world
    smallest = found.loc[found["level"] == "mean", "p"].min()
    assert found.loc[found["level"] == "mean", "p_holm"].min() == pytest.approx(
        min(1, 4 * smallest)
    )
    smallest = found.loc[found["level"] == "language", "p"].min()
    assert found.loc[found["level"] == "language", "p_holm"].min() == pytest.approx(
        min(1, 12 * smallest)
    )


def test_gains_same_seed_same_numbers(world) -> None:
    store, frame, found = world
    pd.testing.assert_frame_equal(gains(frame, store, resamples=300), found)


def test_gains_another_pair_adds_to_what_is_known_of_seeds(world) -> None:
    store, frame, found = world
    alone = gains(frame[frame["intermediate"].isin(["none", "skill"])], store, resamples=300)
    expected = found[found["intermediate"] == "skill"].reset_index(drop=True)
    pd.testing.assert_series_equal(alone["gain"], expected["gain"])
    width, before = (one["high"] - one["low"] for one in (expected, alone))
    assert (width < before).all()


def test_compare_another_pair_draws_no_other_examples(world) -> None:
    store, frame, _ = world
    one = frame[frame["intermediate"].isin(["none", "skill"])]
    few, all_of_them = (
        compare(rows, store, resamples=50).means["base", "tags"] for rows in (one, frame)
    )
    np.testing.assert_allclose(few.resampled_BIS[:, 1], all_of_them.resampled_BIS[:, 1])


def test_gains_one_seed_has_no_p_value_and_says_what_its_intervals_are_over(world) -> None:
    store, frame, _ = world
    found = gains(frame[frame["seed"] == 1], store, resamples=100)
    assert set(found["interval_over"]) == {EXAMPLES}
    assert found[["p", "p_holm"]].isna().all(axis=None)
    assert (found["low"] < found["high"]).all()


def test_gains_pair_with_one_seed_takes_the_spread_of_the_others(world) -> None:
    store, frame, whole = world
    lost = (frame["intermediate"] == "skill") & (frame["target"] == "tags") & (frame["seed"] == 2)
    found = gains(frame[~lost], store, resamples=300)
    row, alone, both = (
        _row(one, "skill", "tags", "mean")
        for one in (found, gains(frame[frame["seed"] == 1], store, resamples=300), whole)
    )
    assert (row["seeds"], row["interval_over"], row["p"] > 0) == (1, SEEDS, True)
    widths = [one["high"] - one["low"] for one in (alone, row)]
    assert widths[1] > widths[0], "the spread over seeds comes to that of the examples"
    assert widths[1] > both["high"] - both["low"]


def test_gains_sweeps_without_an_effect_seldom_have_a_star(tmp_path: Path) -> None:
    # Stored predictions end to end: `noise` changes nothing. Of ten sweeps one may have a star
    # somewhere in a family.
    stars = {"mean": 0, "language": 0}
    store, folder = build_store(
        tmp_path,
        targets=("pairs", "tags"),
        intermediates=("none", "noise"),
        seeds=tuple(range(1, 21)),
        examples=80,
    )
    frame = table(store, folder)
    for first in range(1, 21, 2):
        found = gains(frame[frame["seed"].isin([first, first + 1])], store, resamples=100)
        for level in stars:
            stars[level] += bool((found.loc[found["level"] == level, "p_holm"] <= 0.05).any())
    assert max(stars.values()) <= 2


def test_gains_known_effect_and_none_are_told_apart(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path,
        targets=("pairs",),
        intermediates=("none", "skill", "noise", "scramble"),
        seeds=(1, 2, 3),
        examples=1500,
    )
    found = gains(table(store, folder), store, resamples=500)
    means = found[found["level"] == "mean"].set_index("intermediate")
    assert means.loc["skill", "low"] > 0
    assert means.loc["scramble", "high"] < 0
    assert means.loc["noise", "low"] < 0 < means.loc["noise", "high"]


def test_gains_one_evaluation_under_two_seeds_counts_once(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    first = frame[frame["seed"] == 1]
    both = pd.concat([first, first.assign(seed=2)])
    one, two = (gains(rows, store, resamples=100) for rows in (first, both))
    assert set(two["seeds"]) == {1}
    pd.testing.assert_frame_equal(one, two)


def test_gains_seen_and_unseen_languages_have_means_of_their_own(world) -> None:
    store, frame, _ = world
    known = frame.assign(seen=pd.array([one != "sw" for one in frame["language"]], dtype="boolean"))
    found = gains(known, store, resamples=100)
    one = {lang: _row(found, "skill", "tags", "language", lang)["gain"] for lang in ("de", "sw")}
    for level, language in (("seen", "de"), ("unseen", "sw")):
        row = _row(found, "skill", "tags", level)
        assert row["gain"] == pytest.approx(one[language])
        assert (row["languages"], row["seen"]) == (1, level == "seen")
        assert row["low"] < row["gain"] < row["high"]


def test_compare_means_are_the_scores_over_languages(world) -> None:
    store, frame, _ = world
    means = compare(frame, store, resamples=200).means["base", "tags"]
    assert means.labels == ("none", "skill", "noise")
    rows = frame[(frame["target"] == "tags") & frame["primary"]]
    by = rows.groupby(["intermediate", "seed"])["value"].mean()
    assert means.observed_IS[1, 0] == pytest.approx(by["skill", 1])
    assert means.resampled_BIS.shape == (200, 3, 2)
    assert means.resampled_BIS[:, 1, 0].mean() == pytest.approx(by["skill", 1], abs=1)
    assert means.n == 3 * 120


def test_gains_without_a_baseline_are_none(tmp_path: Path) -> None:
    store, folder = build_store(tmp_path, targets=("pairs",), intermediates=("skill",), examples=20)
    assert len(gains(table(store, folder), store)) == 0

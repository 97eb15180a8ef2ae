"""The report's tables of gains and scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builders import build_store
from xstilts.results import tables
from xstilts.results.scores import table
from xstilts.results.statistics import gains
from xstilts.store.sweeps import read_sweep


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    store, folder = build_store(
        tmp_path_factory.mktemp("store"),
        targets=("tags", "pairs"),
        intermediates=("none", "skill", "scramble", "broken"),
        examples=200,
    )
    scores = table(store, folder)
    return read_sweep(folder), scores, gains(scores, store, resamples=200)


def test_matrix_has_a_line_for_every_intermediate_even_without_scores(world) -> None:
    sweep, _, found = world
    (one,) = tables.matrix(found, sweep, {})
    assert one["intermediates"] == ["skill", "scramble", "broken"]
    assert ("skill", "tags") in one["mean"] and ("skill", "tags") in one["zero_shot"]
    assert ("broken", "tags") not in one["mean"]
    assert one["limit"] == max(abs(row["gain"]) for row in one["mean"].values())


def test_absolute_is_the_mean_over_languages_then_seeds_with_the_baseline(world) -> None:
    sweep, scores, _ = world
    (one,) = tables.absolute(scores, sweep, {})
    own = scores[scores["primary"] & (scores["target"] == "pairs")]
    expected = own[own["intermediate"] == "none"].groupby("seed")["value"].mean().mean()
    assert one["scores"]["none", "pairs"] == pytest.approx(expected)
    assert one["metrics"] == {"tags": "chunk_f1", "pairs": "accuracy"}


def test_by_language_counts_languages_that_gain_and_lose(world) -> None:
    _, _, found = world
    one = tables.by_language(found[found["target"] == "pairs"])
    harmed = next(pair for pair in one["pairs"] if pair["intermediate"] == "scramble")
    assert [row["language"] for row in harmed["languages"]] == ["en", "de", "sw"]
    assert harmed["up"] == 0
    assert harmed["others"]["seen"] is None and not one["seen_known"]


def test_harmful_names_what_is_significantly_below_the_baseline(world) -> None:
    _, _, found = world
    assert {row["intermediate"] for row in tables.losses(found)} == {"scramble"}
    assert tables.harmful(found, "base") == {"tags": ["scramble"], "pairs": ["scramble"]}
    assert tables.harmful(found, "another") == {"tags": [], "pairs": []}


def test_distinct_seeds_are_those_that_gains_rest_on(world, tmp_path: Path) -> None:
    _, _, found = world
    assert tables.distinct_seeds(found) == [2]
    assert tables.distinct_seeds(found[:0]) == []

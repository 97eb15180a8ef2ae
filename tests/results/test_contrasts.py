"""Contrasts between groups: which intermediates are matched, and what is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.results.group_worlds import (
    INTERMEDIATES,
    LANGUAGES,
    TARGETS,
    group_sweep,
    group_table,
    pair_gains,
)
from xstilts.results.benchmarks import XTREME_R
from xstilts.results.contrasts import matches
from xstilts.results.groups import groups
from xstilts.results.kinds import MIXTURE
from xstilts.spec.transforms import Transform, Translate
from xstilts.tasks import TASKS


def test_matches_same_format_and_size_other_kind() -> None:
    taught = {"s1": "syntactic", "m1": "semantic", "m2": "semantic", "mlm": "language modelling"}
    formats = dict.fromkeys(taught, "tagging")
    sizes = {"s1": "small", "m1": "small", "m2": "large", "mlm": "small"}
    data = dict.fromkeys(taught, "original")
    assert list(matches(taught, formats, sizes, data)) == [("s1", "m1")]


def test_matches_arms_of_another_kind_of_data_are_not_matched() -> None:
    taught = {"s1": "syntactic", "s1_de": "syntactic", "m1": "semantic", "m1_de": "semantic"}
    alike = dict.fromkeys(taught, "tagging"), dict.fromkeys(taught, "small")
    data = {name: "translated" if name.endswith("_de") else "original" for name in taught}
    assert list(matches(taught, *alike, data)) == [("s1", "m1"), ("s1_de", "m1_de")]
    assert list(matches(taught, *alike, dict.fromkeys(taught, MIXTURE))) == []


def _contrast(found: Any, **wanted: str) -> dict[str, Any]:
    (one,) = (c for c in found.contrasts if all(c[key] == value for key, value in wanted.items()))
    return one


def test_groups_matched_leaves_out_translated_arms_of_original_ones() -> None:
    translated = INTERMEDIATES["m1"].model_copy(
        update={"transform": Transform(translate=Translate(model="m", languages=("de",)))}
    )
    tasks = {**INTERMEDIATES, "m1": translated}
    sweep = group_sweep().model_copy(update={"tasks": (*tasks.values(), *TARGETS.values())})
    found = groups("m", group_table(pair_gains()), sweep, XTREME_R, resamples=50)
    assert found is not None
    assert found.matched == ()
    assert {one["kind"] for one in found.contrasts} == {"all"}


def test_groups_known_interaction_is_found_and_main_effects_are_not_it() -> None:
    found = groups(
        "m",
        group_table(pair_gains(interaction=4.0, harm=10.0)),
        group_sweep(),
        XTREME_R,
        resamples=500,
    )
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(4.0)  # (A,C) - (A,D) - (B,C) + (B,D) = 1 + 1 + 1 + 1
    assert one["p_holm"] < 0.01
    assert one["low"] < 4 < one["high"]
    assert (one["pairs"], one["with_same"]) == (16, None)


def test_groups_no_interaction_is_not_claimed() -> None:
    found = groups("m", group_table(pair_gains(harm=10.0)), group_sweep(), XTREME_R, resamples=500)
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert one["p_holm"] > 0.5


def test_groups_matched_compares_pairs_of_one_format_and_size() -> None:
    found = groups("m", group_table(pair_gains()), group_sweep(), XTREME_R, resamples=100)
    assert found is not None
    # m2 is large, so s1 and s2 are matched with m1 alone: ((1 - 2) + (3 - 2)) / 2 = 0, where all
    # pairs give 2 - 4 = -2
    assert {(a, b) for a, b, _ in found.matched} == {("s1", "m1"), ("s2", "m1")}
    one = _contrast(found, kind="matched", over="syntactic", under="")
    assert (one["first"], one["second"]) == ("syntactic", "semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert _contrast(found, kind="matched", over="syntactic", under="semantic")[
        "gain"
    ] == pytest.approx(0, abs=1e-9)


def test_groups_holm_counts_every_contrast_that_is_shown() -> None:
    found = groups(
        "m", group_table(pair_gains(interaction=2.0)), group_sweep(), XTREME_R, resamples=200
    )
    assert found is not None
    smallest = min(c["p"] for c in found.contrasts)
    assert (
        len(found.contrasts) == 4
    )  # an interaction of all; matched: a difference for each kind of targets, an interaction
    assert min(c["p_holm"] for c in found.contrasts) == pytest.approx(min(1, 4 * smallest))


def test_groups_structured_targets_stand_against_all_others() -> None:
    names = {"ts1": "udpos_r", "ts2": "panx_r", "tm1": "xnli", "tm2": "tatoeba_r"}
    targets = [TASKS[name].model_copy(update={"languages": LANGUAGES}) for name in names.values()]
    sweep = group_sweep().model_copy(
        update={"targets": tuple(names.values()), "tasks": (*INTERMEDIATES.values(), *targets)}
    )
    table = group_table(
        {(i, names[t]): gain for (i, t), gain in pair_gains(interaction=4.0).items()}
    )
    found = groups("m", table, sweep, XTREME_R, resamples=50)
    assert found is not None
    one = _contrast(found, kind="all", over="structured")
    assert (one["under"], one["pairs"]) == ("all other", 16)
    assert one["gain"] == pytest.approx(4)
    assert _contrast(found, kind="matched", over="structured")["pairs"] == 12


def test_groups_one_seed_knows_languages_alone() -> None:
    found = groups(
        "m",
        group_table(pair_gains(interaction=4.0), seeds=1),
        group_sweep(),
        XTREME_R,
        resamples=200,
    )
    assert found is not None
    assert found.seeds == 1
    assert np.isnan([one["p"] for one in found.contrasts]).all(), (
        "what seeds would change is not known"
    )
    assert _contrast(found, kind="all", over="syntactic", under="semantic")["df"] == pytest.approx(
        3
    )


def test_groups_same_data_is_left_out_and_shown_beside() -> None:
    gains = pair_gains()
    gains["s1", "ts1"] += 20  # its own training data again: no transfer
    found = groups(
        "m", group_table(gains, same=(("s1", "ts1"),)), group_sweep(), XTREME_R, resamples=100
    )
    assert found is not None
    one = _contrast(found, kind="all", over="syntactic", under="semantic")
    assert one["gain"] == pytest.approx(0, abs=1e-9)
    assert one["with_same"] == pytest.approx(5)  # 20 points in one of the four pairs of a cell
    assert found.left_out == (("s1", "ts1"),)

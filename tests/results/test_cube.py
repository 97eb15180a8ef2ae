"""All gains of a model as one array."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.results.group_worlds import (
    group_table,
    pair_gains,
)
from xstilts.results.compared import Examples
from xstilts.results.cube import cube


def test_cube_has_a_place_for_every_pair_seed_and_language() -> None:
    whole = cube(group_table(pair_gains()))
    assert whole.gains_QSL.shape == (16, 3, 4)
    assert not np.isnan(whole.gains_QSL).any()


def test_cube_examples_stand_at_their_pair_and_language() -> None:
    table = group_table(pair_gains())
    rows = table[table["target"] == "ts1"]
    labels, languages = (tuple(dict.fromkeys(rows[name])) for name in ("intermediate", "language"))
    drawn = np.arange(2 * len(labels) * len(languages), dtype=np.float32).reshape(
        2, len(labels), len(languages)
    )
    whole = cube(
        rows, {"ts1": Examples(labels=labels, languages=languages[::-1], drawn_BIL=drawn, n=7)}
    )
    assert whole.examples_BQL is not None
    assert whole.n_Q is not None
    pair = whole.pairs.index((labels[-1], "ts1"))
    at = whole.languages.index(languages[0])
    assert whole.examples_BQL[1, pair, at] == drawn[1, -1, -1]
    assert whole.n_Q.tolist() == [7] * len(whole.pairs)


def test_cube_leaves_out_the_baseline_and_what_has_none() -> None:
    table = group_table(pair_gains())
    lost = table["target"] == "tm2"
    table = table.assign(gain=table["gain"].where(~lost))
    whole = cube(table)
    assert {target for _, target in whole.pairs} == {"ts1", "ts2", "tm1"}
    assert whole.examples_BQL is None


def test_cube_missing_seed_is_nan_and_same_data_is_marked() -> None:
    table = group_table(pair_gains(), same=(("s1", "ts1"),))
    lost = (table["intermediate"] == "s2") & (table["target"] == "ts1") & (table["seed"] == 2)
    whole = cube(table[~lost])
    pair = whole.pairs.index(("s2", "ts1"))
    assert np.isnan(whole.gains_QSL[pair]).all(axis=1).tolist() == [False, True, False]
    marked = [one for one, same in zip(whole.pairs, whole.same_data_Q, strict=True) if same]
    assert marked == [("s1", "ts1")]


def test_cube_language_that_targets_call_differently_is_one() -> None:
    table = group_table(pair_gains())
    other = (table["target"] == "ts1") & (table["language"] == "zh")
    renamed = table.assign(language=table["language"].mask(other, "zh-CN"))
    one, two = cube(table), cube(renamed)
    assert len(two.languages) == len(one.languages) == 4
    names = [word if word in two.languages else "zh-CN" for word in one.languages]
    at = [two.languages.index(name) for name in names]
    pair = [two.pairs.index(pair) for pair in one.pairs]
    assert np.array_equal(two.gains_QSL[pair][:, :, at], one.gains_QSL)


def test_cube_two_names_in_one_target_stay_apart() -> None:
    table = group_table(pair_gains())
    second = table[table["language"] == "zh"].assign(language="zho")
    whole = cube(pd.concat([table, second]))
    assert whole.languages == ("en", "de", "sw", "zh", "zho")
    assert np.array_equal(whole.gains_QSL[:, :, 3], whole.gains_QSL[:, :, 4])

"""Groups of tasks, their mean gains, and the contrasts between them, in worlds of known gains."""

from __future__ import annotations

import pytest

from tests.results.group_worlds import (
    group_sweep,
    group_table,
    pair_gains,
)
from xstilts.results.benchmarks import XTREME_R
from xstilts.results.groups import groups

# -- the numbers


def test_groups_means_are_those_of_the_pairs() -> None:
    found = groups("m", group_table(pair_gains(), noise=0.0), group_sweep(), XTREME_R, resamples=50)
    assert found is not None
    kinds = found.tables[0]
    assert (kinds["title"], kinds["across"]) == ("what is taught", "what is tested")
    # s1 and s2 on ts1 and ts2: (1 + 3) / 2 + (0 + 2) / 2 = 3; m1 and m2 on tm1 and tm2: 4 + 0 = 4
    assert kinds["cells"]["syntactic", "syntactic"]["gain"] == pytest.approx(3)
    assert kinds["cells"]["semantic", "semantic"]["gain"] == pytest.approx(4)
    assert kinds["cells"]["semantic", "semantic"]["pairs"] == 4


def test_groups_alike_intermediates_have_no_section() -> None:
    table = group_table(
        {pair: gain for pair, gain in pair_gains().items() if pair[0] in ("s1", "s2")}
    )
    assert groups("m", table, group_sweep(), XTREME_R, resamples=20) is None

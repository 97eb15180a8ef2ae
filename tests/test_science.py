"""Transfer on the generator has a known direction; the whole system, run on the demo sweep, must find it."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts

pytestmark = [pytest.mark.slow, pytest.mark.ray]

DEMO = Path(__file__).parents[1] / "sweeps" / "demo.yaml"


def test_demo_finds_which_intermediate_helps_which_is_neutral_and_which_harms(tmp_path: Path) -> None:
    ran = xstilts.run(DEMO, store=str(tmp_path), tracking="off")
    assert ran.exit_code == 0
    table = xstilts.scores(DEMO, store=str(tmp_path))
    gain = table[table["primary"]].groupby(["intermediate", "target"])["gain"].mean()
    assert gain["gen-roles", "gen-doer"] > 5
    assert gain["gen-roles", "gen-parallel"] > 0
    for target in ("gen-doer", "gen-parallel"):
        assert gain["gen-cipher", target] < -10
        assert abs(gain["gen-more", target]) < 8
    assert gain["gen-cipher", "gen-tags"] < -2
    assert abs(gain["gen-more", "gen-tags"]) < 4

"""The verbs as functions, on whatever stands for a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep


def test_sweep_value_serves_in_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert xstilts.plan(sweep).to_json() == xstilts.plan(tmp_path / "tiny.yaml").to_json()

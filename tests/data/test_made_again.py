"""Damage among a store's data is told once, by the run that comes next."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.data import made_again


@pytest.mark.parametrize("place", ["rows/k", "encoded/k", "transforms/k/de/s.parquet"])
def test_note_is_told_once(tmp_path: Path, place: str) -> None:
    assert made_again.told(tmp_path) == []
    made_again.note(tmp_path / place, "its hash differs")
    (told,) = made_again.told(tmp_path)
    assert str(tmp_path / place) in told and "(its hash differs)" in told
    assert made_again.told(tmp_path) == []

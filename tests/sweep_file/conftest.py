"""Sweep files are read without a mirror of the machine that runs the tests."""

from __future__ import annotations

import pytest

from xstilts.sweep_file import MIRROR_VARIABLE


@pytest.fixture(autouse=True)
def _no_mirror_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)

"""The sweeps of these tests name mirrors of their own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps here name mirrors of their own."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)

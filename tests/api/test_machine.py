"""What has to be there before a run: the machine, and a mirror with the sweep's data and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.store.phases import Store


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What doctor looked at: store and tracking URI; the checks themselves find nothing."""
    calls: list[tuple[str, Any]] = []

    def stand_in(store: Store, uri: str | None) -> list[Any]:
        calls.append((str(store.path), uri))
        return []

    monkeypatch.setattr("xstilts.checks.doctor.checks", stand_in)
    return calls


def test_doctor_looks_at_the_store_and_the_tracking_of_the_sweep(
    tmp_path: Path, looked_at: list[tuple[str, Any]]
) -> None:
    assert xstilts.doctor(make_sweep(tmp_path)).to_json() == {"ok": True, "findings": []}
    assert looked_at == [(str(tmp_path / "store"), None)]


def test_doctor_without_a_sweep_looks_at_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_at: list[tuple[str, Any]]
) -> None:
    monkeypatch.chdir(tmp_path)
    xstilts.doctor(tracking="http://tracking:5000")
    xstilts.doctor(store="other", tracking="off")
    assert looked_at == [
        (str(tmp_path / "store"), "http://tracking:5000"),
        (str(tmp_path / "other"), None),
    ]


def test_fetch_fills_the_mirror_that_is_given_and_reports_what_it_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.data.fetch.fetch", lambda sweep, mirror: [sweep.name, mirror])
    assert xstilts.fetch(make_sweep(tmp_path), mirror="m") == ["tiny", "m"]

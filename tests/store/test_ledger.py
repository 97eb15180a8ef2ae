"""The ledger: appended only, the last line of a slot counts, a torn line does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store.ledger import Entry, Ledger, require


def entry(slot: str = "a/t0") -> Entry:
    return Entry(slot=slot, kind="target", model="m", task="t", seed=1, params={"lr": 1e-4})


def test_ledger_read_again_holds_the_last_state_of_each_slot(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state="running")
    ledger.write(entry("a/t1"), state="running")
    ledger.write(entry(), state="done", value=50.0)
    ledger.choose("a", "a/t0")
    again = Ledger(tmp_path)
    assert [(e.slot, e.state, e.value) for e in again.entries()] == [
        ("a/t0", "done", 50.0),
        ("a/t1", "running", None),
    ]
    assert again.chosen() == {"a": "a/t0"}
    assert again.get("a/t0").params == {"lr": 1e-4}  # type: ignore[union-attr]


@pytest.mark.parametrize("keep", [1, 20, 60])
def test_ledger_line_torn_by_a_crash_loses_that_line_alone(tmp_path: Path, keep: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state="done")
    whole = ledger.path.read_bytes()
    ledger.write(entry("a/t1"), state="done")
    torn = ledger.path.read_bytes()[: len(whole) + keep]
    ledger.path.write_bytes(torn)
    again = Ledger(tmp_path)
    assert [e.slot for e in again.entries()] == ["a/t0"]
    again.write(entry("a/t2"), state="done")
    assert [e.slot for e in Ledger(tmp_path).entries()] == ["a/t0", "a/t2"]


def test_ledger_required_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been run yet"):
        require(tmp_path)

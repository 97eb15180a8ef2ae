"""What sweeps say about phases, and dropping one: the rules that `test_keeping` and `test_pruning`
see from above, at their edges.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.test_pruning import ran
from tests.driver.test_keeping import there
from xstilts.errors import CorruptError, StoreError
from xstilts.spec.sweep import Retention
from xstilts.store.ledger import Entry, Ledger, State
from xstilts.store.phases import Store
from xstilts.store.retention import Others, checkpoint_size, claims_of, drop
from xstilts.store.sweeps import keep_sweep, read_sweep


def test_claims_hold_a_phase_of_a_slot_that_is_not_in_the_plan(tmp_path: Path) -> None:
    folder = ran(tmp_path, "none")
    strange = Entry(
        slot="model/of-another-plan",
        kind="intermediate",
        model="model",
        task="good",
        seed=1,
        phase="f" * 24,
        state=State.DONE,
    )
    Ledger(folder).write(strange)
    claims = claims_of(folder)
    assert claims.held == {"f" * 24}
    assert strange.phase in claims.known
    assert strange.phase not in claims.free


def test_claims_of_a_finished_sweep_follow_the_rule_that_is_asked_for(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    own, none = claims_of(folder), claims_of(folder, Retention(weights="none"))
    assert own.finished <= own.held
    assert own.free == frozenset()
    assert none.held == frozenset()
    assert none.free == none.finished == own.finished


def test_claims_of_a_failed_child_hold_its_parent(tmp_path: Path) -> None:
    folder = ran(tmp_path, "none")
    child = next(e for e in Ledger(folder).entries() if e.kind == "target" and e.parent)
    Ledger(folder).write(child, state=State.FAILED, error="no")
    assert child.parent in claims_of(folder).held


def test_claims_of_a_sweep_whose_books_are_damaged_are_an_error(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    ledger = folder / "ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole.replace(b'"good"', b'"goof"', 1))
    with pytest.raises(StoreError, match=r"ledger\.jsonl.*`xstilts run` mends it"):
        claims_of(folder)
    ledger.write_bytes(whole)
    (folder / "sweep.json").write_text("{}")
    with pytest.raises(CorruptError):
        claims_of(folder)


def test_others_read_a_ledger_again_when_it_has_changed(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    others = Others(store, folder.with_name("own-v1"))
    assert others.held() >= there(store)
    keep_sweep(
        folder, read_sweep(folder).model_copy(update={"retention": Retention(weights="none")})
    )
    assert others.held() == set()
    assert Others(store, folder).held() == set()


def test_drop_of_a_damaged_phase_leaves_it_to_the_next_run(tmp_path: Path) -> None:
    ran(tmp_path, most=3)
    store = Store(tmp_path / "store")
    phase = sorted(there(store))[0]
    weights = store.path / f"phases/{phase}/model/weights"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert checkpoint_size(store, phase) == 0
    assert drop(store, phase, "somebody", "for a test") == 0
    assert weights.exists()
    assert store.phase(phase).dropped is None


def test_drop_says_the_bytes_once(tmp_path: Path) -> None:
    ran(tmp_path, most=3)
    store = Store(tmp_path / "store")
    phase = sorted(there(store))[0]
    assert drop(store, phase, "somebody", "for a test") == 24
    assert drop(store, phase, "somebody", "for a test") == 0
    assert drop(store, "0" * 24, "somebody", "for a test") == 0

"""What finished phases scored, and what becomes of a damaged record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.test_phase import spec
from tests.support import builders
from tests.support.sweeps import small
from xstilts.driver.outcomes import Outcomes
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.results import Result

ID = spec().id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path).prepare()


def finish(store: Store, result: Result) -> None:
    store.phase(ID).finish(spec(), result, builders.provenance())


def entry(phase: str = ID, target: str = "tags") -> Entry:
    return Entry(
        slot="s", kind="target", model="m", task="tags", target=target, seed=1, phase=phase
    )


def test_value_of_a_training_is_its_development_score(store: Store) -> None:
    finish(store, builders.train_result(61.5))
    assert Outcomes(store, small()).value(entry()) == 61.5


@pytest.mark.parametrize("phase", ["", ID])
def test_value_is_none_without_a_phase_or_a_record(store: Store, phase: str) -> None:
    outcomes = Outcomes(store, small())
    assert not outcomes.has_record(ID)
    assert outcomes.value(entry(phase)) is None


def test_record_is_read_once_in_a_run(store: Store) -> None:
    finish(store, builders.train_result(61.5))
    outcomes = Outcomes(store, small())
    assert outcomes.has_record(ID)
    builders.record_file(store, ID).unlink()
    assert outcomes.has_record(ID) and outcomes.value(entry()) == 61.5


def test_phase_with_a_damaged_record_is_set_aside_and_can_be_run_again(store: Store) -> None:
    finish(store, builders.train_result(61.5))
    builders.record_file(store, ID).write_bytes(b"torn")
    outcomes = Outcomes(store, small())
    assert outcomes.value(entry()) is None
    (told,) = outcomes.set_aside
    assert told.startswith(f"phase {ID} was damaged (record.json: damaged (")
    assert (Path(told.rpartition(" ")[2]) / "record.json").read_bytes() == b"torn"
    finish(store, builders.train_result(70.0))
    assert outcomes.value(entry()) == 70.0
    assert outcomes.set_aside == [told]

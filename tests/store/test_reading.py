"""A store that is only read: each record once, and no damage is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builders import build_store, predictions_file, record_file
from xstilts.errors import CorruptError, StoreError
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.reading import Damage, ReadStore


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[Store, str]:
    """A store and one of its evaluations."""
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none",), seeds=(1,), examples=5
    )
    (entry,) = (one for one in Ledger(folder).entries() if one.kind == "evaluate")
    return store, entry.phase


def test_record_is_read_once_whoever_asks(evaluated: tuple[Store, str]) -> None:
    store, phase = evaluated
    reading = ReadStore.of(store)
    first = reading.phase(phase).record()
    record_file(store, phase).unlink()
    assert reading.phase(phase).record() is first
    assert ReadStore.of(reading) is reading and reading.damages == []


def test_damaged_record_is_one_damage_and_the_same_error_each_time(
    evaluated: tuple[Store, str],
) -> None:
    store, phase = evaluated
    record_file(store, phase).write_text("{")
    reading = ReadStore.of(store)
    for _ in range(2):
        with pytest.raises(CorruptError, match="damaged"):
            reading.phase(phase).record()
    with pytest.raises(CorruptError):
        reading.phase(phase).predictions("en")
    assert "damaged" in reading.phase(phase).fault()
    (damage,) = reading.damages
    assert (damage.phase, damage.part, damage.language) == (phase, "record", "")


def test_missing_record_is_a_damage(evaluated: tuple[Store, str]) -> None:
    store, phase = evaluated
    record_file(store, phase).unlink()
    reading = ReadStore.of(store)
    with pytest.raises(StoreError, match="no record"):
        reading.phase(phase).record()
    assert [one.part for one in reading.damages] == ["record"]


def test_damaged_predictions_are_told_by_language_and_noted_for_the_next_run(
    evaluated: tuple[Store, str],
) -> None:
    store, phase = evaluated
    path = predictions_file(store, phase, "de")
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    assert ReadStore.of(store).phase(phase).fault() == ""
    reading = ReadStore.of(store)
    with pytest.raises(CorruptError, match="hash differs"):
        reading.phase(phase).predictions("de")
    reading.phase(phase).predictions("en")
    assert [(one.part, one.language) for one in reading.damages] == [("predictions", "de")]
    assert "predictions/de.parquet is damaged" in store.phase(phase).fault()


@pytest.mark.parametrize(
    ("name", "part", "language"),
    [("predictions/sw.parquet", "predictions", "sw"), ("model/weights", "checkpoint", "")],
)
def test_fault_is_noted_with_its_part(
    evaluated: tuple[Store, str], name: str, part: str, language: str
) -> None:
    store, phase = evaluated
    path = record_file(store, phase).parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    reading = ReadStore.of(store)
    assert name in reading.phase(phase).fault()
    (damage,) = reading.damages
    assert (damage.part, damage.language) == (part, language)


def test_damage_of_a_sweeps_file_is_kept_beside_the_phases(tmp_path: Path) -> None:
    reading = ReadStore(tmp_path)
    for message in ("first", "second"):
        reading.note(Damage(part="doubts.json", message=message))
    assert [one.message for one in reading.damages] == ["first"]

"""`verify`: all that is damaged in a store is found, noted for the next run, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.builders import build_store, predictions_file, record_file, write_record
from xstilts.errors import StoreError
from xstilts.store.phases import Store
from xstilts.store.verification import Damage, verify

SMALL = {"targets": ("pairs",), "intermediates": ("none", "skill"), "examples": 20}


@pytest.fixture
def world(tmp_path: Path) -> tuple[Store, Path]:
    return build_store(tmp_path, **SMALL)


def evaluation(store: Store) -> str:
    return next(one for one in sorted(store.done()) if store.phase(one).record().files)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 16
    path.write_bytes(content)


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_store_as_it_was_written_has_no_damage_and_is_left_alone(world: tuple[Store, Path]) -> None:
    store, _ = world
    before, told = listing(store.path), []
    found = verify(store, lambda done, of: told.append((done, of)))
    assert found.damaged == [] and found.unfinished == 0 and found.set_aside == 0
    assert found.phases == len(store.done()) and found.sweeps == 1
    files = [one for name in store.done() for one in store.phase(name).record().files.values()]
    assert (found.files, found.bytes) == (len(files), sum(one.size for one in files))
    assert told[0] == (0, found.phases) and told[-1] == (found.phases, found.phases)
    assert listing(store.path) == before


def test_flipped_bit_is_found_noted_and_forgotten_when_it_is_put_right(
    world: tuple[Store, Path],
) -> None:
    store, folder = world
    phase = evaluation(store)
    path = predictions_file(store, phase, "de")
    flip(path)
    (damage,) = verify(store).damaged
    assert damage == Damage(
        what=f"phase {phase}",
        wrong="predictions/de.parquet is not as it was written (its hash differs)",
        where=store.phase(phase).where,
        sweeps=(folder.name,),
    )
    assert store.phase(phase).fault() == damage.wrong
    flip(path)
    assert verify(store).damaged == []
    assert store.phase(phase).fault() == ""


def test_files_that_are_gone_or_too_many_are_found(world: tuple[Store, Path]) -> None:
    store, _ = world
    phase = evaluation(store)
    path = predictions_file(store, phase, "de")
    path.rename(path.with_name("xx.parquet"))
    (damage,) = verify(store).damaged
    assert damage.wrong == "predictions/de.parquet is missing"


def test_record_that_was_changed_or_cut_is_found(world: tuple[Store, Path]) -> None:
    store, _ = world
    one, two = sorted(store.done())[:2]
    flip(record_file(store, one))
    record_file(store, two).write_text("{")
    found = verify(store)
    assert {damage.what for damage in found.damaged} == {f"phase {one}", f"phase {two}"}
    assert all("record.json" in damage.wrong for damage in found.damaged)


def test_phase_that_started_from_another_checkpoint_is_found(world: tuple[Store, Path]) -> None:
    store, _ = world
    child = next(one for one in sorted(store.done()) if store.phase(one).record().parent)
    values = json.loads(record_file(store, child).read_text())
    write_record(store, child, {**values, "started_from": "0" * 24})
    (damage,) = verify(store).damaged
    assert damage.what == f"phase {child}"
    assert "it started from another checkpoint than phase" in damage.wrong


def test_sweeps_own_files_are_read(world: tuple[Store, Path]) -> None:
    store, folder = world
    (folder / "sweep.json").write_text("{")
    (folder / "doubts.json").write_text("[")
    found = verify(store)
    assert [damage.what for damage in found.damaged] == [f"sweep {folder.name}"] * 2
    assert "sweep.json" in found.damaged[0].wrong and "doubts.json" in found.damaged[1].wrong


def test_phase_without_a_record_is_counted_and_not_checked(world: tuple[Store, Path]) -> None:
    store, _ = world
    phase = evaluation(store)
    record_file(store, phase).unlink()
    found = verify(store)
    assert found.unfinished == 1 and found.damaged == []


def test_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store; give the folder"):
        verify(Store(tmp_path / "none"))

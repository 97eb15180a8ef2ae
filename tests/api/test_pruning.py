"""What of a store nobody needs, and its removal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import xstilts
from tests.driver.test_board import board_of
from tests.driver.test_board_damage import work
from tests.driver.test_keeping import sweep_of, there
from xstilts.errors import InputError, LeaseHeld, StoreError
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep
from xstilts.store.verification import verify


def ran(path: Path, weights: str = "all", name: str = "small", most: int = 10_000) -> Path:
    """A sweep that was run, by its folder."""
    board, store, plan = board_of(sweep_of(weights, name), path)
    folder = store.sweep_folder(name, 1)
    keep_sweep(folder, plan.sweep)
    while most and (one := board.next()):
        most -= 1
        work(board, store, one)
    return folder


def wanted(folder: Path) -> set[str]:
    """The trainings that final scores rest on."""
    finals = [e for e in Ledger(folder).entries() if e.kind == "evaluate" and e.role == "final"]
    return {stage.phase for entry in finals for stage in entry.lineage}


def test_prune_dry_says_what_would_go_and_what_it_costs_and_removes_nothing(
    tmp_path: Path,
) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    before = there(store)
    found = xstilts.prune(store.path, dry_run=True)
    assert there(store) == before
    assert {one.name for one in found.items} == before - wanted(folder)
    assert not found.removed
    assert found.kept == len(wanted(folder))
    assert found.to_json()["totals"]["weights"]["number"] == len(found.items) > 5
    record = store.phase(found.items[0].name).record()
    assert found.items[0].bytes == record.files["model/weights"].size
    seconds = sum(store.phase(one.name).record().trained.seconds for one in found.items)
    assert found.device_seconds == {"cpu": pytest.approx(seconds)}


def test_prune_removes_what_it_said_and_nothing_else(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    records = {p: p.read_bytes() for p in store.path.glob("phases/*/record.json")}
    predictions = {p: p.read_bytes() for p in store.path.glob("phases/*/predictions/*")}
    said = xstilts.prune(folder, dry_run=True)
    done = xstilts.prune(folder)
    assert done.items == said.items
    assert there(store) == wanted(folder)
    assert records == {p: p.read_bytes() for p in records}
    assert predictions == {p: p.read_bytes() for p in predictions} != {}
    assert verify(store).damaged == []
    assert xstilts.prune(folder).items == ()


def test_prune_with_none_leaves_no_checkpoint_of_a_finished_sweep(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    xstilts.prune(folder, weights="none")
    assert there(Store(tmp_path / "store")) == set()


def test_prune_of_a_sweep_in_its_middle_keeps_what_comes_next(tmp_path: Path) -> None:
    for at in (5, 11, 20):
        place = tmp_path / str(at)
        folder = ran(place, most=at)
        xstilts.prune(folder, weights="none")
        board, store, _ = board_of(sweep_of("all"), place)
        names = [path.name for path in store.path.glob("phases/*/dropped.json")]
        again = set()
        while one := board.next():
            again.add(one.spec.id)
            work(board, store, one)
        assert board.settled
        gone = {path.parent.name for path in store.path.glob("phases/*/dropped.json")}
        assert len(gone) == len(names)
        assert not gone & again


def test_prune_of_one_sweep_keeps_what_another_has(tmp_path: Path) -> None:
    first, second = ran(tmp_path, name="first"), ran(tmp_path, name="second")
    store = Store(tmp_path / "store")
    before = there(store)
    assert xstilts.prune(first, weights="none").items == ()
    assert there(store) == before
    assert len(xstilts.prune(store.path, weights="none").items) == len(before)
    assert there(store) == set()
    assert second.is_dir()


def test_prune_of_a_store_takes_checkpoints_of_no_sweep_too(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    shutil.rmtree(folder)
    before, done = there(store), store.done()
    assert {one.name for one in xstilts.prune(store.path).items} == before != set()
    assert there(store) == set()
    assert store.done() == done


def test_prune_while_a_run_goes_on_is_refused_and_names_it(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    before = there(store)
    with store.lease("sweep-small-v1").kept():
        found = xstilts.prune(folder, dry_run=True)
        assert "sweep-small-v1" in found.running[0]
        with pytest.raises(LeaseHeld, match="a run drops what its sweep does not keep"):
            xstilts.prune(folder)
    assert there(store) == before


def test_prune_beside_a_sweep_that_cant_be_read_removes_nothing(tmp_path: Path) -> None:
    first, second = ran(tmp_path, name="first"), ran(tmp_path, name="second")
    store = Store(tmp_path / "store")
    before = there(store)
    (second / "sweep.json").write_text("{")
    with pytest.raises(StoreError, match="second-v1"):
        xstilts.prune(first, weights="none")
    assert there(store) == before


def test_prune_of_what_is_no_store_and_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        xstilts.prune(tmp_path / "nothing")
    with pytest.raises(InputError, match="`chosen` or `none`"):
        xstilts.prune(tmp_path, weights="all")

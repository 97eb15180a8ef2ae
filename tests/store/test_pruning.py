"""What of a store can go, kind by kind, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import xstilts
from tests.api.test_pruning import ran
from tests.driver.test_board import board_of
from tests.driver.test_keeping import sweep_of, there
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep


def test_prune_offers_leftovers_and_leaves_records_of_damaged_phases(tmp_path: Path) -> None:
    folder = ran(tmp_path, most=4)
    store = Store(tmp_path / "store")
    (done, *_) = sorted(there(store))
    store.phase(done).set_aside()
    (store.path / "train" / f"{done}-77").mkdir(parents=True)
    (store.path / "train" / f"{done}-77" / "state.json").write_bytes(b"x" * 50)
    found = xstilts.prune(store.path, dry_run=True)
    by_kind = {one.kind: one for one in found.items}
    assert by_kind["train"].bytes == 50
    assert by_kind["damaged"].bytes == len(done)
    xstilts.prune(store.path)
    (aside,) = (store.path / "damaged").iterdir()
    assert [path.name for path in aside.iterdir() if path.name != ".lock"] == ["record.json"]
    assert not any((store.path / "train").iterdir())
    assert folder.is_dir()


def test_prune_offers_partial_checkpoints_of_failed_phases_only(tmp_path: Path) -> None:
    board, store, plan = board_of(sweep_of("all"), tmp_path)
    folder = store.sweep_folder("small", 1)
    keep_sweep(folder, plan.sweep)
    failing, waiting = board.next(), board.next()
    assert failing and waiting
    for one in (failing, waiting):
        phase = store.phase(one.spec.id)
        phase.begin(one.spec)
        with phase.staging() as made:
            (made / "half").write_bytes(b"x" * 10)
            phase.keep_partial(3, made)
    board.failed(failing.slot, "no", 0)
    board.released(waiting.slot)
    (item,) = xstilts.prune(folder, dry_run=True).items
    assert (item.kind, item.name, item.bytes) == ("partials", failing.spec.id, 10)
    xstilts.prune(folder)
    assert store.phase(failing.spec.id).partials() == []
    assert store.phase(waiting.spec.id).partials() == [3]


def test_prune_passes_over_a_phase_that_somebody_works_on(tmp_path: Path) -> None:
    folder = ran(tmp_path)
    store = Store(tmp_path / "store")
    phase = xstilts.prune(folder, dry_run=True).items[0].name
    with store.lease(phase).kept():
        done = xstilts.prune(folder)
    assert phase not in {one.name for one in done.items}
    assert phase in there(store)

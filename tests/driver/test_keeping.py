"""Checkpoints that a run drops, and what trains one again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.driver.test_board import board_of
from tests.driver.test_board_damage import Weights, own, work
from tests.support.sweeps import small, task
from xstilts.driver.board import Board
from xstilts.driver.keeping import Keeper
from xstilts.errors import LeaseLost
from xstilts.planning import Plan
from xstilts.spec.sweep import Retention, Sweep
from xstilts.store.dropped import Dropped
from xstilts.store.ledger import Ledger, State
from xstilts.store.phases import Store
from xstilts.store.retention import drop
from xstilts.store.sweeps import keep_sweep


def sweep_of(weights: str, name: str = "small", **changes: object) -> Sweep:
    return small(name=name, retention=Retention.model_validate({"weights": weights}), **changes)


def more() -> Sweep:
    """The same sweep with one target more, which starts from the same intermediates."""
    tasks = (task("good"), task("bad"), task("tags"), task("find", "retrieval"), task("other"))
    return sweep_of("all", "more", targets=("tags", "find", "other"), tasks=tasks)


def keeper_of(board: Board, store: Store, plan: Plan) -> Keeper:
    folder = store.sweep_folder(plan.sweep.name, plan.sweep.version)
    keep_sweep(folder, plan.sweep)
    return Keeper(plan, board.ledger, store, folder, lambda: None)


def run(
    sweep: Sweep, path: Path, weights: Weights = own, most: int = 10_000
) -> tuple[Board, Store, Plan, Keeper, Counter[str]]:
    """A run that looks after its checkpoints after each phase; how often each phase was run."""
    board, store, plan = board_of(sweep, path)
    keeper, ran = keeper_of(board, store, plan), Counter[str]()
    while ran.total() < most and (one := board.next()):
        ran[one.spec.id] += 1
        work(board, store, one, weights)
        keeper.look(force=True)
    keeper.look(force=True)
    return board, store, plan, keeper, ran


def there(store: Store) -> set[str]:
    """The phases that have weights."""
    return {one for one in store.done() if (store.path / f"phases/{one}/model/weights").exists()}


def trained(board: Board) -> dict[str, str]:
    """Slot to phase, of the trainings."""
    return {e.slot: e.phase for e in board.ledger.entries() if e.kind != "evaluate"}


def test_run_that_keeps_all_drops_nothing(tmp_path: Path) -> None:
    board, store, _, keeper, _ = run(sweep_of("all"), tmp_path)
    assert board.settled
    assert there(store) == {*trained(board).values()}
    assert keeper.dropped == 0


def test_run_that_keeps_the_chosen_has_them_and_what_they_come_from(tmp_path: Path) -> None:
    board, store, _, keeper, ran = run(sweep_of("chosen"), tmp_path)
    assert board.settled
    assert set(ran.values()) == {1}
    finals = [e for e in board.ledger.entries() if e.kind == "evaluate" and e.role == "final"]
    wanted = {stage.phase for entry in finals for stage in entry.lineage}
    assert there(store) == wanted
    assert keeper.dropped == len({*trained(board).values()} - wanted) > 5
    assert keeper.problems == []


def test_run_that_keeps_none_has_every_record_and_prediction(tmp_path: Path) -> None:
    board, store, _, keeper, ran = run(sweep_of("none"), tmp_path)
    assert board.settled
    assert set(ran.values()) == {1}
    assert there(store) == set()
    assert keeper.bytes > 0
    for phase in store.done():
        assert store.phase(phase).fault(whole=True) == ""
    assert sum(1 for _ in store.path.glob("phases/*/predictions/*.parquet")) > 0


def test_run_of_a_finished_sweep_whose_checkpoints_are_gone_runs_nothing(tmp_path: Path) -> None:
    _, store, *_ = run(sweep_of("none"), tmp_path)
    again, _, _, _, ran = run(sweep_of("none"), tmp_path)
    assert again.settled
    assert not ran
    assert store.set_aside() == 0


def test_run_interrupted_anywhere_runs_each_phase_once(tmp_path: Path) -> None:
    for at in (3, 9, 17):
        place = tmp_path / str(at)
        *_, first = run(sweep_of("none"), place, most=at)
        board, _, _, _, second = run(sweep_of("none"), place)
        assert board.settled
        assert set((first + second).values()) == {1}


def test_run_drops_nothing_that_another_sweep_holds(tmp_path: Path) -> None:
    first, store, *_ = run(sweep_of("all", "first"), tmp_path)
    run(sweep_of("none", "second"), tmp_path)
    assert there(store) == {*trained(first).values()}


def test_run_drops_what_each_sweep_that_has_it_lets_go(tmp_path: Path) -> None:
    run(sweep_of("chosen", "first"), tmp_path)
    before = there(Store(tmp_path / "store"))
    _, store, *_ = run(sweep_of("none", "second"), tmp_path)
    assert there(store) == before != set()


def test_run_beside_a_sweep_that_cant_be_read_drops_nothing_and_says_so(tmp_path: Path) -> None:
    other, store, *_ = run(sweep_of("all", "first"), tmp_path)
    other.ledger.path.write_bytes(other.ledger.path.read_bytes()[:-200])
    board, _, _, keeper, _ = run(sweep_of("none", "second"), tmp_path)
    assert board.settled
    assert there(store) == {*trained(other).values()}
    (problem,) = keeper.problems
    assert "first-v1" in problem
    assert problem.startswith("no checkpoint is dropped")


def test_run_that_needs_a_checkpoint_that_is_gone_trains_it_again_once(tmp_path: Path) -> None:
    _, store, _, _, before = run(sweep_of("none"), tmp_path)
    records = {p: p.read_bytes() for p in store.path.glob("phases/*/record.json")}
    board, store, _, _, ran = run(more(), tmp_path)
    assert board.settled
    assert set(ran.values()) == {1}
    again = before.keys() & ran.keys()
    needed = {e.parent for e in board.ledger.entries() if e.target == "other" and e.parent}
    assert again == needed & before.keys() != set()
    for phase in again:
        assert store.phase(phase).dropped is None
        assert store.phase(phase).fault(whole=True) == ""
    assert records == {p: p.read_bytes() for p in records}
    assert store.set_aside() == 0
    assert not any(entry.state is State.FAILED for entry in board.ledger.entries())


def test_run_whose_checkpoint_comes_out_differently_makes_again_what_came_from_it(
    tmp_path: Path,
) -> None:
    *_, before = run(sweep_of("none"), tmp_path)
    board, store, _, _, ran = run(more(), tmp_path, lambda one: own(one) + b" elsewhere")
    assert board.settled
    for entry in board.ledger.entries():
        record = store.phase(entry.phase).record()
        if record.parent:
            assert record.started_from == store.phase(record.parent).record().checkpoint_seal
    aside = {path.parent.name.split("-")[0] for path in store.path.glob("damaged/*/record.json")}
    assert aside
    assert aside <= before.keys() & ran.keys()
    assert max(ran.values()) <= 2


def test_run_whose_worker_finds_the_checkpoint_gone_trains_it_again(tmp_path: Path) -> None:
    board, store, _ = board_of(sweep_of("all"), tmp_path)
    ran, dropped = Counter[str](), ""
    while one := board.next():
        parent = one.spec.parent_phase
        if parent and not dropped:  # as another process would, just after the slot was handed out
            dropped = parent
            assert drop(store, parent, "somebody", "for a test")
        ran[one.spec.id] += 1
        work(board, store, one)
    assert board.settled
    assert ran[dropped] == 2
    assert store.phase(dropped).complete
    assert store.set_aside() == 0


def test_keeper_of_a_sweep_that_is_anothers_now_stops(tmp_path: Path) -> None:
    board, store, plan = board_of(sweep_of("none"), tmp_path)
    keeper = keeper_of(board, store, plan)
    while one := board.next():
        work(board, store, one)

    def lost() -> None:
        raise LeaseLost("another driver has it")

    folder = store.sweep_folder("small", 1)
    with pytest.raises(LeaseLost):
        Keeper(plan, board.ledger, store, folder, lost).look(force=True)
    assert there(store)
    keeper.look(force=True)
    assert not there(store)


def test_keeper_looks_at_most_once_in_a_while(tmp_path: Path) -> None:
    board, store, plan = board_of(sweep_of("none"), tmp_path)
    keeper = keeper_of(board, store, plan)
    keeper.look()
    while one := board.next():
        work(board, store, one)
    keeper.look()
    assert there(store)


def test_board_counts_a_dropped_phase_as_done(tmp_path: Path) -> None:
    board, store, _ = board_of(sweep_of("all"), tmp_path)
    one = board.next()
    assert one is not None
    work(board, store, one)
    with store.lease(one.spec.id).kept():
        store.phase(one.spec.id).drop_checkpoint(Dropped.now("somebody", "for a test", 1))
    again = Board(
        board._plan,
        Ledger(store.sweep_folder("small", 1)),
        store,
        board._studies,
        board._revisions,
    )
    following = again.next()
    assert following is not None
    assert following.spec.id != one.spec.id

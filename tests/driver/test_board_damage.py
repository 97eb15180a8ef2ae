"""The board and damaged files: found, moved aside, made again, with what was made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.driver.test_board import board_of, value_of
from tests.support import builders
from tests.support.sweeps import small
from xstilts.driver.board import Assignment, Board
from xstilts.errors import CorruptError
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import State
from xstilts.store.phases import Phase, Store

Weights = Callable[[Assignment], bytes]


def own(assignment: Assignment) -> bytes:
    """Weights as this machine makes them, always the same for one phase."""
    return assignment.spec.id.encode()


def begun(board: Board, store: Store, one: Assignment) -> Phase | None:
    """The phase, once its parent's checkpoint was opened; None where that is damaged, which the
    board is told.
    """
    spec, phase = one.spec, store.phase(one.spec.id)
    phase.begin(spec)
    try:
        if spec.parent_phase:
            store.phase(spec.parent_phase).checkpoint()
    except CorruptError as error:
        board.failed(one.slot, str(error), 2, damaged=error.phase)
        return None
    return phase


def work(board: Board, store: Store, one: Assignment, weights: Weights = own) -> None:
    """What a worker does: it opens its parent's checkpoint, leaves its own files and a record."""
    spec, phase = one.spec, begun(board, store, one)
    if phase is None:
        return
    if spec.action == "train":
        with phase.staging() as made:
            (made / "weights").write_bytes(weights(one))
            phase.keep_checkpoint(made)
        phase.finish(spec, builders.train_result(value_of(one)), builders.provenance())
    else:
        for language in ("en", "sw"):
            phase.keep_predictions(language, {"id": ["1", "2"], "correct": [1, 0]})
        scores = {one: {"accuracy": 50.0} for one in ("en", "sw")}
        result = builders.evaluation_result(scores, {"en": 2, "sw": 2})
        phase.finish(spec, result, builders.provenance())
    board.done(one.slot)


def drained(
    tmp_path: Path, sweep: Sweep, weights: Weights = own
) -> tuple[Board, Store, list[Assignment]]:
    """A whole run: the board at its end, the store, and what was handed out."""
    board, store, _ = board_of(sweep, tmp_path)
    ran = []
    while one := board.next():
        ran.append(one)
        work(board, store, one, weights)
    assert board.settled
    return board, store, ran


def searched() -> Sweep:
    return small()


def fixed() -> Sweep:
    return small(intermediate=Settings(lr=1e-4, steps=4), target=Settings(lr=1e-4, steps=4))


def ids(ran: Sequence[Assignment]) -> list[str]:
    return [one.spec.id for one in ran]


def parent_with_child(ran: Sequence[Assignment]) -> str:
    """An intermediate that a target was trained from."""
    return next(
        one.spec.parent_phase
        for one in ran
        if one.spec.action == "train" and one.spec.parent_phase is not None
    )


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


@pytest.mark.parametrize("sweep", [fixed, searched])
def test_predictions_with_a_flipped_bit_are_made_again(
    tmp_path: Path, sweep: Callable[[], Sweep]
) -> None:
    _, store, ran = drained(tmp_path, sweep())
    scored = next(one.spec.id for one in ran if one.spec.action == "evaluate")
    flip(builders.predictions_file(store, scored, "sw"))
    board, _, again = drained(tmp_path, sweep())
    assert ids(again) == [scored]
    (told,) = board.set_aside
    assert "predictions/sw.parquet is not as it was written (its hash differs)" in told
    assert drained(tmp_path, sweep())[2] == []


@pytest.mark.parametrize("sweep", [fixed, searched])
def test_checkpoint_that_was_cut_is_trained_again_and_nothing_made_from_it(
    tmp_path: Path, sweep: Callable[[], Sweep]
) -> None:
    """It comes out the same, so what was trained from it is what it would be again."""
    _, store, ran = drained(tmp_path, sweep())
    parent = parent_with_child(ran)
    weights = Path(store.phase(parent).checkpoint_where) / "weights"
    weights.write_bytes(weights.read_bytes()[:-1])
    board, _, again = drained(tmp_path, sweep())
    assert ids(again) == [parent]
    assert len(board.set_aside) == 1
    assert drained(tmp_path, sweep())[2] == []


@pytest.mark.parametrize("sweep", [fixed, searched])
def test_checkpoint_that_comes_out_otherwise_takes_its_descendants_with_it(
    tmp_path: Path, sweep: Callable[[], Sweep]
) -> None:
    _, store, ran = drained(tmp_path, sweep())
    parent = parent_with_child(ran)
    below = {parent}
    while more := {a.spec.id for a in ran if a.spec.parent_phase in below} - below:
        below |= more
    (Path(store.phase(parent).checkpoint_where) / "weights").unlink()
    board, _, again = drained(tmp_path, sweep(), weights=lambda one: own(one) + b" other machine")
    assert sorted(ids(again)) == sorted(below) and len(below) > 2
    assert len(board.set_aside) == len(below)
    for phase in store.done():
        record = store.phase(phase).record()
        if record.parent:
            assert record.started_from == store.phase(record.parent).record().checkpoint_seal
    assert drained(tmp_path, sweep())[2] == []


@pytest.mark.parametrize("sweep", [fixed, searched])
def test_checkpoint_with_a_flipped_bit_is_found_by_who_starts_from_it(
    tmp_path: Path, sweep: Callable[[], Sweep]
) -> None:
    """The run goes on: the parent is trained again, then its child."""
    _, store, ran = drained(tmp_path, sweep())
    parent = parent_with_child(ran)
    child = next(one.spec.id for one in ran if one.spec.parent_phase == parent)
    expected = store.phase(child).record().result
    flip(Path(store.phase(parent).checkpoint_where) / "weights")
    store.phase(child).set_aside()
    board, _, again = drained(tmp_path, sweep())
    assert ids(again)[:2] == [child, parent] and child in ids(again)[2:]
    assert not list(board.failures())
    (told,) = board.set_aside
    assert parent in told and "is not as it was written" in told
    assert store.phase(child).record().result == expected
    assert all(entry.state.finished for entry in board.ledger.entries())


def test_slot_that_was_ready_waits_while_its_parent_is_made_again(tmp_path: Path) -> None:
    """Otherwise it would be trained from the base model."""
    board, store, _ = board_of(fixed(), tmp_path)
    ready: list[Assignment] = []
    while one := board.next():
        if one.spec.parent_phase and one.spec.action == "train" and not ready:
            ready.append(one)
            parent = one.spec.parent_phase
            flip(Path(store.phase(parent).checkpoint_where) / "weights")
            waiting = [e.slot for e in board.ledger.entries() if e.state is State.RUNNING]
            assert waiting == [one.slot]
        work(board, store, one)
    assert ready and board.settled
    for phase in store.done():
        record = store.phase(phase).record()
        if record.parent:
            assert record.started_from == store.phase(record.parent).record().checkpoint_seal
    assert all(entry.state.finished for entry in board.ledger.entries())


def test_phase_that_another_driver_makes_again_is_left_to_it(tmp_path: Path) -> None:
    _, store, ran = drained(tmp_path, fixed())
    scored = next(one.spec.id for one in ran if one.spec.action == "evaluate")
    flip(builders.predictions_file(store, scored, "sw"))
    with store.lease(scored).kept():
        board, _, _ = board_of(fixed(), tmp_path)
        assert board.next() is None and not board.settled
        assert board.set_aside == [] and store.phase(scored).done

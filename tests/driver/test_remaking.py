"""Which phases a run is asked to make again, and that it makes them and what they started from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.driver.test_board import board_of
from tests.driver.test_board_damage import work
from tests.driver.test_keeping import run, sweep_of, there
from xstilts.driver.keeping import Keeper
from xstilts.driver.remaking import phases_of
from xstilts.errors import InputError
from xstilts.store.ledger import Entry


def entry(slot: str, phase: str, kind: str = "target") -> Entry:
    return Entry(slot=slot, phase=phase, kind=kind, model="m", task="tags", seed=1)


def test_phases_are_named_by_slot_by_id_or_by_its_beginning_each_once() -> None:
    entries = [entry("m/a>t/t0", "abcdef01"), entry("m/b>t/t0", "abcdef99")]
    asked = ["m/b>t/t0", "abcdef01", "abcdef0", "abcdef99"]
    assert phases_of(asked, entries) == ["abcdef99", "abcdef01"]
    assert phases_of([], entries) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("m/a>t/t1", 'the sweep has no phase "m/a>t/t1", and none was begun'),
        ("abcde", 'the sweep has no phase "abcde"'),  # too short to be meant
        ("abcdef", '2 phases of the sweep begin with "abcdef": abcdef01, abcdef99'),
        ("m/a>t/eval/s1", "m/a>t/eval/s1 is an evaluation, which has no checkpoint"),
    ],
)
def test_phases_that_cant_be_meant_are_told(asked: str, said: str) -> None:
    entries = [
        entry("m/a>t/t0", "abcdef01"),
        entry("m/b>t/t0", "abcdef99"),
        entry("m/a>t/eval/s1", "e7a1", kind="evaluate"),
    ]
    with pytest.raises(InputError, match="--remake") as raised:
        phases_of([asked], entries)
    assert said in str(raised.value)


@pytest.mark.parametrize("rule", ["none", "chosen"])
def test_run_makes_a_dropped_checkpoint_again_with_what_it_started_from_and_keeps_it(
    tmp_path: Path, rule: str
) -> None:
    run(sweep_of("none"), tmp_path)
    board, store, plan = board_of(sweep_of(rule), tmp_path)
    before = there(store)
    records = {one: one.read_bytes() for one in store.path.glob("phases/*/record.json")}
    assert not before
    (phase,) = phases_of(["model/good>tags/t1"], board.ledger.entries())
    parent = store.phase(phase).record().parent
    board.remake(phase)
    folder = store.sweep_folder("small", 1)
    keeper = Keeper(plan, board.ledger, store, folder, lambda: None, [phase])
    ran = []
    while one := board.next():
        ran.append(one.spec.id)
        work(board, store, one)
        keeper.look(force=True)
    assert board.settled
    assert ran == [parent, phase]
    assert phase in there(store) and store.phase(phase).fault(whole=True) == ""
    assert (parent in there(store)) == (rule == "chosen")
    assert records == {one: one.read_bytes() for one in records}
    run(sweep_of(rule), tmp_path)  # the next one lets it go, where nothing rests on it
    assert phase not in there(store) or rule == "chosen"


def test_run_asked_for_a_checkpoint_that_is_there_runs_nothing(tmp_path: Path) -> None:
    run(sweep_of("all"), tmp_path)
    board, _, _ = board_of(sweep_of("all"), tmp_path)
    for phase in phases_of(["model/good/t0"], board.ledger.entries()):
        board.remake(phase)
    assert board.next() is None and board.settled

"""The ledger: appended only, the last line of a slot counts, a torn line does not."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store.chained import Chained
from xstilts.store.ledger import Entry, Ledger, StagePhase, State, require

STAGE = StagePhase(kind="target", task="t", phase="0" * 24)


def entry(slot: str = "a/t0") -> Entry:
    return Entry(slot=slot, kind="target", model="m", task="t", seed=1, params={"lr": 1e-4})


def test_ledger_read_again_holds_the_last_state_of_each_slot(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state=State.RUNNING)
    ledger.write(entry("a/t1"), state=State.RUNNING)
    ledger.write(entry(), state=State.DONE, lineage=(STAGE,))
    ledger.choose("a", "a/t0")
    again = Ledger(tmp_path)
    assert [(e.slot, e.state, e.lineage) for e in again.entries()] == [
        ("a/t0", State.DONE, (STAGE,)),
        ("a/t1", State.RUNNING, ()),
    ]
    assert again.chosen() == {"a": "a/t0"}
    assert again.get("a/t0").params == {"lr": 1e-4}  # type: ignore[union-attr]


@pytest.mark.parametrize("keep", [1, 20, 60])
def test_ledger_line_torn_by_a_crash_loses_that_line_alone(tmp_path: Path, keep: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(entry(), state=State.DONE)
    whole = ledger.path.read_bytes()
    ledger.write(entry("a/t1"), state=State.DONE)
    torn = ledger.path.read_bytes()[: len(whole) + keep]
    ledger.path.write_bytes(torn)
    again = Ledger(tmp_path)
    assert [e.slot for e in again.entries()] == ["a/t0"]
    again.write(entry("a/t2"), state=State.DONE)
    assert [e.slot for e in Ledger(tmp_path).entries()] == ["a/t0", "a/t2"]


def test_ledger_required_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been run yet"):
        require(tmp_path)


@pytest.mark.parametrize(
    "kinds, parent, intermediates",
    [
        ((), "", ()),
        (("pretrain",), "p0", ()),
        (("pretrain", "intermediate", "target"), "p2", ("p1",)),
        (("intermediate", "intermediate", "target"), "p2", ("p0", "p1")),
        (("intermediate", "intermediate"), "p1", ("p0", "p1")),
    ],
)
def test_entry_of_an_evaluation_reads_its_parent_and_intermediates_from_its_lineage(
    kinds: tuple[str, ...], parent: str, intermediates: tuple[str, ...]
) -> None:
    lineage = [{"kind": kind, "task": "t", "phase": f"p{i}"} for i, kind in enumerate(kinds)]
    scored = Entry.model_validate(
        {**entry().model_dump(), "kind": "evaluate", "phase": "e", "lineage": lineage}
    )
    assert scored.parent == scored.train_phase == parent
    assert scored.intermediate_phases == intermediates
    assert scored.intermediate_phase == (intermediates[-1] if intermediates else "")


# -- damage


def some(folder: Path) -> Ledger:
    """A ledger of six lines: two slots run, are done, and one is chosen; a third one runs."""
    ledger = Ledger(folder)
    ledger.write(entry(), state=State.RUNNING)
    ledger.write(entry("a/t1"), state=State.RUNNING)
    ledger.write(entry(), state=State.DONE, lineage=(STAGE,))
    ledger.write(entry("a/t1"), state=State.DONE, lineage=(STAGE,))
    ledger.choose("a", "a/t1")
    ledger.write(entry("b/t0"), state=State.RUNNING)
    return ledger


def content(ledger: Ledger) -> tuple[list[Entry], dict[str, str]]:
    return ledger.entries(), ledger.chosen()


def mended(folder: Path, damaged: bytes) -> Ledger:
    """The ledger after a driver opened it; what was damaged is kept, whole."""
    ledger = Ledger(folder)
    told = ledger.mend()
    assert len(told) == 1 and "kept as" in told[0]
    (aside,) = folder.glob("ledger.damaged-*.jsonl")
    assert aside.read_bytes() == damaged
    again = Ledger(folder)
    assert again.problems == () and content(again) == content(ledger)
    aside.unlink()
    return again


ODD = [
    b"5",
    b"null",
    b"[]",
    b'"slot"',
    b"{}",
    b'{"slot":"a/t0","kind":"target","model":"m","task":"t","seed":1,"state":"undone"}',
    b'{"slot":"a/t0","kind":"target","model":"m","task":"t","seed":1,"colour":"red"}',
    b'{"slot":7,"kind":"target","model":"m","task":"t","seed":"one"}',
    b'{"slot":"a/t0","slot":"a/t1","sum":"0123456789abcdef"}',
    b"\xff\xfe\x80",
    b"\0" * 300,
    b"[" * 100_000,
    b"9" * 10_000,
    b'{"slot":"' + b"x" * 2_000_000 + b'"}',
]


@pytest.mark.parametrize("line", ODD, ids=lambda line: repr(line[:20]))
def test_ledger_odd_line_among_good_ones_is_told_and_loses_nothing(
    tmp_path: Path, line: bytes
) -> None:
    ledger = some(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], line + b"\n", *lines[2:]])
    ledger.path.write_bytes(damaged)
    again = Ledger(tmp_path)
    (problem,) = again.problems
    assert "1 of its lines is not as written" in problem and "lost" not in problem
    assert content(again) == content(ledger)
    assert again.path.read_bytes() == damaged, "who only reads writes nothing"
    assert content(mended(tmp_path, damaged)) == content(ledger)


@pytest.mark.parametrize("line", ODD, ids=lambda line: repr(line[:20]))
def test_ledger_of_odd_lines_alone_is_told(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(line + b"\n")
    assert Ledger(tmp_path).problems and Ledger(tmp_path).entries() == []
    assert mended(tmp_path, line + b"\n").entries() == []


def test_ledger_line_of_another_sweep_is_told_and_not_taken(tmp_path: Path) -> None:
    ledger, other = some(tmp_path / "one"), Ledger(tmp_path / "other")
    for seed in range(3):
        other.write(entry().model_copy(update={"seed": seed}), state=State.PRUNED)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    lines[3:3] = other.path.read_bytes().splitlines(keepends=True)[1:]
    ledger.path.write_bytes(b"".join(lines))
    again = Ledger(tmp_path / "one")
    assert "others stand among them" in again.problems[0]
    assert content(again) == content(ledger)


def test_ledger_flipped_bits_are_never_taken_for_what_was_written(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    good = ledger.path.read_bytes()
    rng = random.Random(1)
    for _ in range(400):
        place, bit = rng.randrange(len(good)), rng.randrange(8)
        damaged = bytearray(good)
        damaged[place] ^= 1 << bit
        ledger.path.write_bytes(damaged)
        again = Ledger(tmp_path)
        assert again.problems
        assert {one.slot for one in again.entries()} <= {"a/t0", "a/t1", "b/t0"}


def test_ledger_cut_anywhere_is_told(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    good, meant = ledger.path.read_bytes(), content(ledger)
    for keep in range(len(good)):
        ledger.path.write_bytes(good[:keep])
        again = Ledger(tmp_path)
        if keep == len(good) - 1:  # only the newline is missing
            assert content(again) == meant and not again.problems
        else:
            assert " of 6 lines " in again.problems[0]


def test_ledger_without_its_last_newline_is_appended_to_on_a_new_line(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    ledger.path.write_bytes(ledger.path.read_bytes()[:-1])
    again = Ledger(tmp_path)
    again.write(entry("c/t0"))
    assert content(Ledger(tmp_path)) == content(again)
    assert Ledger(tmp_path).problems == ()


@pytest.mark.parametrize("line", range(6))
def test_ledger_line_taken_out_twice_there_or_swapped_is_told(tmp_path: Path, line: int) -> None:
    ledger = some(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join([*lines[:line], *lines[line + 1 :]]))
    assert "1 of 6 lines is lost" in Ledger(tmp_path).problems[0]
    ledger.path.write_bytes(b"".join([*lines, lines[line]]))
    assert "is there twice" in Ledger(tmp_path).problems[0]
    assert content(Ledger(tmp_path)) == content(ledger)
    lines[line], lines[line - 1] = lines[line - 1], lines[line]
    ledger.path.write_bytes(b"".join(lines))
    assert "out of order" in Ledger(tmp_path).problems[0]
    assert content(Ledger(tmp_path)) == content(ledger), "the links say the order"


def test_ledger_that_is_gone_while_its_head_is_there_is_told(tmp_path: Path) -> None:
    some(tmp_path).path.unlink()
    assert "6 of 6 lines are lost" in require(tmp_path).problems[0]
    (told,) = Ledger(tmp_path).mend()
    assert "nothing of the file was left" in told


@pytest.mark.parametrize(
    "head", [None, b"", b"{}", b"\0" * 60, b'{"lines":6,"after":"x","sum":"y"}']
)
def test_ledger_whose_head_is_damaged_or_gone_loses_nothing_and_says_so(
    tmp_path: Path, head: bytes | None
) -> None:
    ledger = some(tmp_path)
    path = tmp_path / "ledger.jsonl.head"
    path.unlink() if head is None else path.write_bytes(head)
    again = Ledger(tmp_path)
    assert "counts its lines is damaged or gone" in again.problems[0]
    assert content(again) == content(ledger)
    again.mend()
    assert Ledger(tmp_path).problems == ()


def test_ledger_killed_between_a_line_and_its_head_is_a_good_one(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    head = (tmp_path / "ledger.jsonl.head").read_bytes()
    ledger.write(entry("c/t0"))
    (tmp_path / "ledger.jsonl.head").write_bytes(head)
    again = Ledger(tmp_path)
    assert again.problems == () and content(again) == content(ledger)
    again.write(entry("c/t1"))
    assert Ledger(tmp_path).problems == ()


def test_ledger_damaged_and_written_to_is_mended_first(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    ledger.path.write_bytes(b"5\n" + ledger.path.read_bytes())
    again = Ledger(tmp_path)
    again.write(entry("c/t0"), state=State.DONE)
    assert content(Ledger(tmp_path)) == content(again)
    assert Ledger(tmp_path).problems == () and len(list(tmp_path.glob("*.damaged-*"))) == 1


def test_ledger_names_the_slots_of_damaged_lines_that_it_knows(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"done", b"gone"), *lines[3:]]))
    assert "some are about a/t0)" in Ledger(tmp_path).problems[0]


def test_ledger_of_a_version_without_checksums_says_so(tmp_path: Path) -> None:
    row = {"slot": "a/t0", "kind": "target", "model": "m", "task": "t", "seed": 1, "state": "done"}
    old = "".join(json.dumps(one) + "\n" for one in (row, {"chosen": "a", "slot": "a/t0"}))
    (tmp_path / "ledger.jsonl").write_text(old)
    (problem,) = Ledger(tmp_path).problems
    assert "whose ledgers had no checksums" in problem
    assert mended(tmp_path, old.encode()).entries() == []


def test_ledger_line_of_a_version_to_come_is_told(tmp_path: Path) -> None:
    ledger = some(tmp_path)
    Chained.append(ledger._file, {"slot": "c/t0", "colour": "red"})
    again = Ledger(tmp_path)
    assert "lines of another version of xstilts: 1" in again.problems[0]
    assert content(again) == content(ledger)


def test_ledger_that_another_process_writes_too_is_refused(tmp_path: Path) -> None:
    mine, other = some(tmp_path), Ledger(tmp_path)
    other.write(entry("c/t0"))
    with pytest.raises(StoreError, match="another process writes it too"):
        mine.write(entry("c/t1"))
    assert content(Ledger(tmp_path)) == content(other)


def test_ledger_read_while_it_is_written_never_seems_damaged(tmp_path: Path) -> None:
    writer = Ledger(tmp_path)
    stop = threading.Event()

    def write() -> None:
        for number in range(150):
            writer.write(entry(f"a/t{number}"))
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not stop.is_set():
        assert Ledger(tmp_path).problems == ()
    thread.join()


def test_ledger_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"ledger.jsonl: can't be read \(Is a directory\)"):
        Ledger(tmp_path)

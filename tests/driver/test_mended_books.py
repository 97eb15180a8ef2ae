"""Ledger and studies damaged in many ways: the next run ends as if nothing had happened, or tells
what it could not know.

The phases are those of `test_board`, each finished with a score that its hyperparameters decide. A
world is run once, its sweep folder is kept, and each damage begins from a copy.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from tests.driver.test_board import Assignment, finish, trials, value_of
from tests.support.sweeps import small
from xstilts.driver.board import Board
from xstilts.driver.search import Studies
from xstilts.planning import make_plan
from xstilts.planning.filling import Revisions
from xstilts.results import scores
from xstilts.spec.sweep import Search, Sweep
from xstilts.store.chained import Chained
from xstilts.store.ledger import Ledger, State
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep

SWEEP = small(
    intermediates=("none", "good"),
    search=Search(trials=6, stopping="halving", stopping_warmup_evals=1),
)
Damage = Callable[[bytes, random.Random], bytes]
ORDERS = {
    "staged": SWEEP,
    "median": SWEEP.model_copy(
        update={"search": Search(trials=6, stopping="median", stopping_warmup_evals=0)}
    ),
    "joint": SWEEP.model_copy(update={"search": Search(trials=5, order="joint")}),
}


@pytest.fixture(autouse=True, scope="module")
def no_waiting_for_the_disk() -> Iterator[None]:
    """These tests write a hundred thousand lines, and no power fails between them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


class World:
    """A sweep in a folder, opened as a driver opens it."""

    def __init__(self, sweep: Sweep, path: Path) -> None:
        self.sweep, self.path, self.plan = sweep, path, make_plan(sweep)
        self.store = Store(path / "store").prepare()
        self.folder = self.store.sweep_folder(sweep.name, sweep.version)

    def open(self) -> tuple[Board, list[str]]:
        """The board, and what a run tells of damage."""
        for lease in (self.path / "store/leases").glob("*.json"):
            lease.unlink()  # of drivers that these tests have killed
        studies = Studies(self.folder, self.sweep.search, self.plan.studies, "s")
        ledger = Ledger(self.folder)
        told = ledger.mend()
        board = Board(self.plan, ledger, self.store, studies, Revisions())
        return board, [*told, *studies.told]

    def run(self, board: Board, most: int = 10_000) -> list[str]:
        """Runs what is open, two phases at a time; returns the phases that were run."""
        ran: list[str] = []
        running: list[Assignment] = []
        while True:
            while len(running) < 2 and len(ran) < most and (assignment := board.next()):
                running.append(assignment)
                ran.append(assignment.spec.id)
            if not running:
                return ran
            self._train(board, running.pop(len(ran) % len(running)))

    def _train(self, board: Board, assignment: Assignment) -> None:
        go_on = True
        if assignment.spec.action == "train":
            every = assignment.spec.hyper.evaluation_interval_steps
            steps = assignment.spec.hyper.steps
            for number, step in enumerate(range(every, steps + 1, every)):
                value = value_of(assignment) - 4 / (number + 1)
                go_on = go_on and board.report(assignment.slot, step, steps, value)
        if go_on:
            finish(board, self.store, assignment)
        else:
            board.pruned(assignment.slot)

    def outcome(self) -> dict[str, Any]:
        """What the ledger says in the end: everything that scores and report are made of."""
        ledger = Ledger(self.folder)
        assert ledger.problems == ()
        slots = {
            e.slot: ("pruned", e.params, e.pruned_at, e.reported)
            if e.state is State.PRUNED
            else (e.state.finished, e.params, e.phase, e.lineage)
            for e in ledger.entries()
        }
        return {"slots": slots, "chosen": ledger.chosen()}

    def studies(self) -> dict[str, list[tuple[Any, ...]]]:
        """What Optuna knows: of each study its trials, in order, without those that failed."""
        return {
            study: [
                (t.user_attrs, t.params, t.state, t.value, t.intermediate_values, _rungs(t))
                for t in trials(self.path, self.sweep, study)
                if t.state != TrialState.FAIL
            ]
            for study in self.plan.studies
        }


def _rungs(trial: optuna.trial.FrozenTrial) -> dict[str, float]:
    """The attributes without those that TPE leaves for other processes while a trial is asked."""
    return {k: v for k, v in trial.system_attrs.items() if k.startswith("completed_rung")}


def made(order: str, path: Path, most: int = 10_000) -> World:
    """A sweep that was run to its end, or killed when `most` phases had begun."""
    world = World(ORDERS[order], path)
    board, told = world.open()
    assert told == []
    if most < 10_000:
        for _ in range(most):
            assignment = board.next()
            assert assignment is not None
            world._train(board, assignment)
        assert board.next() is not None, "handed out, and then the driver is killed"
        board.next()
    else:
        world.run(board)
        assert board.settled
    return world


@pytest.fixture(scope="module", params=ORDERS)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A sweep that was run to its end."""
    return made(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module", params=[(order, most) for order in ORDERS for most in (3, 9, 14)])
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A sweep whose driver was killed while two phases ran."""
    order, most = request.param
    return made(order, tmp_path_factory.mktemp(f"{order}-{most}"), most)


# -- damages: a file's bytes to other bytes


def flipped(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) - 1)]


def without_a_line(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def cut_at_a_line(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: rng.randrange(len(lines))])


def line_twice(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(rng.randrange(len(lines)), lines[rng.randrange(len(lines))])
    return b"".join(lines)


def swapped(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def zeros(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content) - 1)
    return content[:place] + bytes(min(512, len(content) - place)) + content[place + 512 :]


def other_file(content: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"", b"{}", b"null\n", b'{"op_code": 99}\n' * 3, b"\xff" * 99, b"[" * 9999])


DAMAGES = (
    flipped,
    cut,
    without_a_line,
    cut_at_a_line,
    line_twice,
    swapped,
    zeros,
    other_file,
)


def damaged(world: World, path: Path, name: str, damage: Damage, seed: int) -> World:
    """A copy of a world, one of whose files is damaged."""
    copy = World(world.sweep, path)
    shutil.rmtree(path)
    shutil.copytree(world.path, path)
    file = copy.folder / name
    before = file.read_bytes()
    after = damage(before, random.Random(f"{damage.__name__} {seed}"))
    file.write_bytes(after)
    return copy


def mended(world: World) -> tuple[list[str], list[str]]:
    """Runs a damaged world to its end; returns what was told, and the phases that were run."""
    board, told = world.open()
    ran = world.run(board)
    assert board.settled
    again, nothing = world.open()
    assert again.next() is None and again.settled and nothing == []
    return told, ran


def check_one_file_damaged(world: World, path: Path, name: str, seeds: range) -> None:
    """Whatever happens to one of the two files, the outcome is that of the other run."""
    whole = World(world.sweep, path / "whole")
    shutil.rmtree(whole.path)
    shutil.copytree(world.path, whole.path)
    _, meant_ran = mended(whole)
    meant = whole.outcome()
    for damage in DAMAGES:
        for seed in seeds:
            copy = damaged(world, path / "copy", name, damage, seed)
            content = (copy.folder / name).read_bytes()
            same = content == (world.folder / name).read_bytes()
            told, ran = mended(copy)
            assert bool(told) != same, (damage, seed)
            assert copy.outcome() == meant, (damage, seed, told)
            assert sorted(ran) == sorted(meant_ran)
            assert copy.studies() == whole.studies(), (damage, seed)


BOOKS = ("ledger.jsonl", "studies.journal")


@pytest.mark.parametrize("name", BOOKS)
def test_finished_sweep_with_one_book_damaged_is_what_it_was(
    ended: World, tmp_path: Path, name: str
) -> None:
    check_one_file_damaged(ended, tmp_path, name, range(2))


@pytest.mark.parametrize("name", BOOKS)
def test_killed_sweep_with_one_book_damaged_ends_as_the_undamaged_one(
    killed: World, tmp_path: Path, name: str
) -> None:
    check_one_file_damaged(killed, tmp_path, name, range(1))


def check_both_damaged(world: World, path: Path, seeds: range) -> None:
    """With both books damaged a suggestion may be lost for good: then another outcome is told."""
    meant = world.outcome()
    for damage, seed in itertools.product(DAMAGES, seeds):
        copy = damaged(world, path / "copy", BOOKS[0], damage, seed)
        journal = copy.folder / BOOKS[1]
        journal.write_bytes(damage(journal.read_bytes(), random.Random(seed)))
        told, ran = mended(copy)
        outcome = copy.outcome()
        assert told or outcome == meant
        assert outcome["slots"].keys() == meant["slots"].keys()
        if not ran:
            assert outcome == meant, (damage, seed)


def test_finished_sweep_with_both_books_damaged_is_run_again_and_told(
    ended: World, tmp_path: Path
) -> None:
    check_both_damaged(ended, tmp_path, range(2))


def test_scores_table_of_a_mended_sweep_is_what_it_was(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world")
    keep_sweep(world.folder, world.sweep)

    def table(of: World) -> pd.DataFrame:
        found = scores.table(of.store, of.folder)
        return found.sort_values(["intermediate", "target", "seed"], ignore_index=True)

    meant = table(world)
    assert len(meant) == 8
    for damage in DAMAGES:
        copy = damaged(world, tmp_path / "copy", "ledger.jsonl", damage, 1)
        mended(copy)
        pd.testing.assert_frame_equal(table(copy), meant)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_many_damages_of_one_book(ended: World, tmp_path: Path, name: str) -> None:
    check_one_file_damaged(ended, tmp_path, name, range(100, 121))


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_many_damages_of_one_book_of_a_killed_sweep(
    killed: World, tmp_path: Path, name: str
) -> None:
    check_one_file_damaged(killed, tmp_path, name, range(100, 107))


@pytest.mark.slow
def test_many_damages_of_both_books(ended: World, tmp_path: Path) -> None:
    check_both_damaged(ended, tmp_path, range(100, 110))


# -- the journal by itself


def test_journal_cut_at_every_byte_of_a_line_is_no_traceback_and_loses_nothing(
    tmp_path: Path,
) -> None:
    world = made("staged", tmp_path / "world")
    meant, trials_meant = world.outcome(), world.studies()
    journal = world.folder / "studies.journal"
    whole, head = journal.read_bytes(), journal.with_name("studies.journal.head").read_bytes()
    second = whole.index(b"\n", len(whole) // 2)
    for keep in range(second - 60, second + 3):
        journal.write_bytes(whole[:keep])
        journal.with_name("studies.journal.head").write_bytes(head)
        told, ran = mended(world)
        assert len(told) == 1 and "lines are lost" in told[0] and "kept as" in told[0]
        assert ran == [] and world.outcome() == meant and world.studies() == trials_meant


def test_journal_opens_with_optunas_own_backend(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world")
    assert all(len(one) == 6 for one in world.studies().values())


@pytest.mark.parametrize("link", ["studies.journal", "nowhere/studies.journal"])
def test_lock_that_a_killed_optuna_left_is_not_waited_for(tmp_path: Path, link: str) -> None:
    world = made("staged", tmp_path / "world", most=3)
    (world.folder / "studies.journal.lock").symlink_to(link)
    began = time.monotonic()
    told, _ = mended(world)
    assert told == [] and time.monotonic() - began < 20


def test_journal_that_is_a_folder_is_put_aside(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world")
    meant = world.outcome()
    (world.folder / "studies.journal").unlink()
    (world.folder / "studies.journal").mkdir()
    told, ran = mended(world)
    assert "Is a directory" in told[0] and ran == [] and world.outcome() == meant


def test_journal_that_optuna_cannot_replay_is_put_aside(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world")
    meant, trials_meant = world.outcome(), world.studies()
    file = Chained(world.folder / "studies.journal")
    file.read()
    file.append({"op_code": 99})
    told, ran = mended(world)
    assert "Optuna can't read it" in told[0] and ran == []
    assert world.outcome() == meant and world.studies() == trials_meant


def test_journal_of_a_version_without_checksums_is_put_aside_and_made_again(
    tmp_path: Path,
) -> None:
    world = made("staged", tmp_path / "world")
    meant, trials_meant = world.outcome(), world.studies()
    journal = world.folder / "studies.journal"
    rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
    plain = [{k: v for k, v in row.items() if k not in ("after", "sum")} for row in rows]
    journal.write_text("".join(json.dumps(row) + "\n" for row in plain))
    journal.with_name("studies.journal.head").unlink()
    told, ran = mended(world)
    assert len(told) == 1 and ran == []
    assert world.outcome() == meant and world.studies() == trials_meant


@pytest.mark.parametrize("what", ["value", "params"])
def test_journal_that_contradicts_ledger_and_records_is_made_again(
    tmp_path: Path, what: str
) -> None:
    world = made("staged", tmp_path / "world")
    meant, trials_meant = world.outcome(), world.studies()
    journal = world.folder / "studies.journal"
    rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
    rows = [{k: v for k, v in row.items() if k not in ("after", "sum")} for row in rows]
    changed = next(
        row for row in rows if (row.get("values") if what == "value" else "param_name" in row)
    )
    changed |= {"values": [12.5]} if what == "value" else {"param_value_internal": 5e-5}
    journal.unlink()
    journal.with_name("studies.journal.head").unlink()
    Chained(journal).append(*rows)  # a good file that says something else
    told, ran = mended(world)
    assert len(told) == 1 and "did not agree with the ledger and the records" in told[0]
    assert ran == [] and world.outcome() == meant and world.studies() == trials_meant


def test_line_of_another_program_in_the_journal_stops_no_run(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world", most=3)
    board, told = world.open()
    note = {"op_code": 2, "worker_id": "dashboard", "study_id": 0, "user_attr": {"note": "x"}}
    with open(world.folder / "studies.journal", "a") as journal:
        journal.write(json.dumps(note) + "\n")
    world.run(board)
    assert board.settled and told == []
    told, ran = mended(world)
    assert "1 of its lines is not as written" in told[0] and ran == []


# -- what a run tells


def test_suggestion_that_both_books_have_lost_is_asked_anew(tmp_path: Path) -> None:
    world = made("staged", tmp_path / "world")
    for name in BOOKS:
        (world.folder / name).write_bytes(b"")
    told, _ = mended(world)
    assert len(told) == 2
    assert "asks the search anew" in told[0] and "ledger.jsonl" in told[0]
    assert "studies are made again" in told[1]

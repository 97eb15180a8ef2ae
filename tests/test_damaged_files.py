"""Flipped bits and cut files, in every kind of file that a store keeps: never another number in
silence, and `run` brings everything back.

A sweep is run on a board whose worker makes predictions out of the phase's id. Then one file after
the other is damaged. What is read afterwards must be what was read before, or be told; and a run
must end with the numbers of the first one.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from tests.driver.test_board import value_of
from tests.driver.test_board_damage import begun
from tests.support import builders
from tests.support.sweeps import small
from xstilts.driver.board import Assignment, Board
from xstilts.driver.search import Studies
from xstilts.driver.session import same_plan
from xstilts.errors import CorruptError, StoreError
from xstilts.planning import make_plan
from xstilts.planning.filling import Revisions
from xstilts.results import scores
from xstilts.results.statistics import gains
from xstilts.store.doubts import Doubt, keep_doubts, read_doubts
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store

LANGUAGES = ("en", "sw")
KINDS = {
    "record": "phases/*/record.json",
    "predictions": "phases/*/predictions/*.parquet",
    "checkpoint": "phases/*/model/*",
    "ledger": "sweeps/*/ledger.jsonl",
    "ledger's head": "sweeps/*/ledger*.head",
    "journal": "sweeps/*/studies.journal",
    "sweep": "sweeps/*/sweep.json",
    "doubts": "sweeps/*/doubts.json",
}
"""Kind of file to where such files lie in a store."""
HOW = ("flip", "cut")
DEFAULT, SLOW = 100, 1000
"""Damaged files in the tests of each tier."""


def sweep() -> Any:
    return small(seeds=(1, 2))


def work(board: Board, store: Store, one: Assignment) -> None:
    """What a worker does; all that it makes follows from the phase's id."""
    spec, phase = one.spec, begun(board, store, one)
    if phase is None:
        return
    if spec.action == "train":
        with phase.staging() as made:
            (made / "weights").write_bytes(np.random.default_rng(int(spec.id, 16)).bytes(5000))
            (made / "config.json").write_text(spec.id)
            phase.keep_checkpoint(made)
        result: Any = builders.train_result(value_of(one))
    else:
        result = _evaluated(store, spec)
    phase.finish(spec, result, builders.provenance())
    board.done(one.slot)


def _evaluated(store: Store, spec: Any) -> Any:
    from xstilts.scoring.metrics import METRICS

    task = spec.members[0].task
    metrics = [name for name in task.spec.metrics if name == task.metric]
    found = {}
    for number, language in enumerate(LANGUAGES):
        rng = np.random.default_rng([int(spec.id, 16) % 2**32, number])
        table = builders.predictions(rng, "classification", np.linspace(-1, 1, 40), 0.5)
        store.phase(spec.id).keep_predictions(language, table.to_dict("list"))
        found[language] = {name: float(METRICS[name].of(table)) for name in metrics}
    return builders.evaluation_result(found, dict.fromkeys(LANGUAGES, 40))


class World(NamedTuple):
    """A sweep that has been run, and what its results are."""

    path: Path
    store: Store
    folder: Path
    scores: pd.DataFrame
    gains: pd.DataFrame

    def files(self, kind: str) -> list[Path]:
        """The stored files of a kind, in order."""
        return sorted(self.store.path.glob(KINDS[kind]))


def run(path: Path) -> list[str]:
    """Runs the sweep to its end, as `xstilts run` does; returns what it tells of damage."""
    plan, store = make_plan(sweep()), Store(path / "store").prepare()
    folder = store.sweep_folder("small", 1)
    same_plan(folder, sweep())
    keep_doubts(folder, [Doubt(task="find", message="half of its rows are empty")])
    studies, ledger = Studies(folder, sweep().search, plan.studies, "s"), Ledger(folder)
    told = [*ledger.mend()]
    board = Board(plan, ledger, store, studies, Revisions())
    while one := board.next():
        work(board, store, one)
    assert board.settled and not list(board.failures())
    return [*told, *studies.told, *board.set_aside]


def read(store: Store, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Scores, gains with intervals, and what could not be read."""
    table = scores.table(store, folder)
    compared = gains(table, store, resamples=30)
    read_doubts(folder)
    told = [*scores.problems(table), *scores.problems(compared), *Ledger(folder).problems]
    return table, compared, told


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    path = tmp_path_factory.mktemp("damaged")
    run(path)
    store = Store(path / "store")
    folder = store.sweep_folder("small", 1)
    table, compared, told = read(store, folder)
    assert told == [] and len(table) > 10 and len(compared) > 10
    return World(path, store, folder, table, compared)


def damage(content: bytes, how: str, rng: random.Random) -> bytes:
    """The content with one bit flipped, or without its end."""
    place = rng.randrange(len(content))
    if how == "cut":
        return content[:place]
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def cases(world: World, number: int, seed: int) -> Iterator[tuple[str, Path, bytes]]:
    """`number` files with what they hold once damaged, the kinds in turn."""
    rng = random.Random(seed)
    for turn in range(number):
        kind, how = list(KINDS)[turn % len(KINDS)], HOW[turn // len(KINDS) % len(HOW)]
        path = rng.choice(world.files(kind))
        yield f"{turn}: {kind}, {how}, {path}", path, damage(path.read_bytes(), how, rng)


def differs(frame: pd.DataFrame, before: pd.DataFrame, keys: list[str]) -> str:
    """The first value that is neither what it was nor missing; empty where there is none."""
    index = before.set_index(keys)
    for _, row in frame.iterrows():
        key = tuple(row[keys])
        if key not in index.index:
            if "seeds" in keys:
                continue
            return f"{key} was not there before"
        for column, value in row.drop(keys).items():
            old = index.at[key, column]
            if not pd.isna(value) and value != old:
                return f"{key}, {column}: {value} instead of {old}"
    return ""


SCORE = ["intermediate", "target", "seed", "language", "metric"]
GAIN = ["intermediate", "target", "level", "language"]
KEYS = [*GAIN, "seeds", "languages"]
"""A gain over fewer seeds or languages is another number, and says so."""
JUDGED = ["baseline", "score", "gain", "n", "seeds", "languages"]
"""Columns of the gains that other pairs do not change."""


def reads_the_same_or_tells(world: World, case: str) -> bool:
    """Whether something was told; fails where a number is another one in silence."""
    try:
        table, compared, told = read(world.store, world.folder)
    except StoreError:
        return True
    assert not differs(table, world.scores, SCORE), case
    assert not differs(compared[GAIN + JUDGED], world.gains[GAIN + JUDGED], KEYS), case
    if not told:
        pd.testing.assert_frame_equal(table, world.scores)
        pd.testing.assert_frame_equal(compared, world.gains)
    return bool(told)


@pytest.mark.parametrize(
    "number", [DEFAULT, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["default", "slow"]
)
def test_damaged_file_is_never_another_number(world: World, number: int) -> None:
    told = 0
    for case, path, content in cases(world, number, seed=number):
        whole = path.read_bytes()
        path.write_bytes(content)
        try:
            told += reads_the_same_or_tells(world, case)
            if path.parent.name == "model":
                with pytest.raises(CorruptError):
                    world.store.phase(path.parent.parent.name).checkpoint()
        finally:
            path.write_bytes(whole)
            (path.parents[1] / "damage.json").unlink(missing_ok=True)
    assert told > number // 3
    assert not reads_the_same_or_tells(world, "everything is as it was")


@pytest.mark.parametrize(
    "number",
    [DEFAULT // 4, pytest.param(SLOW // 4, marks=pytest.mark.slow)],
    ids=["default", "slow"],
)
def test_run_brings_back_what_was_damaged(world: World, tmp_path: Path, number: int) -> None:
    """Also a checkpoint, once `verify` has found it: nothing else opens it in a finished sweep.
    What `verify` does not find is a last line that was torn, and nobody was told of.
    """
    from xstilts.store.verification import verify

    shutil.copytree(world.path / "store", tmp_path / "store")
    store = Store(tmp_path / "store")
    folder = store.sweep_folder("small", 1)
    copy = world._replace(path=tmp_path, store=store, folder=folder)
    for case, path, content in cases(copy, number, seed=number + 1):
        if content == path.read_bytes():
            continue
        path.write_bytes(content)
        found = verify(store).damaged
        told = run(tmp_path)
        assert told or not found or path.name in ("sweep.json", "doubts.json"), case
        assert not reads_the_same_or_tells(copy, case), case
        assert verify(store).damaged == [], case

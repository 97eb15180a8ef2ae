"""The store on files that are no folder: the contract holds for them, and phases and leases ask
for nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.files_contract import FilesContract, Pair
from tests.support import toy
from tests.support.memory_files import MemoryFiles
from xstilts.errors import LeaseHeld
from xstilts.store.files import Files
from xstilts.store.phases import Store
from xstilts.training.phase import Report, run_phase


class TestMemoryFiles(FilesContract):
    """The contract."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> Pair:
        objects: dict[str, bytes] = {}
        lock = threading.RLock()
        return MemoryFiles(objects, lock, tmp_path), MemoryFiles(objects, lock, tmp_path)


@pytest.fixture
def in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """From here on a store keeps its files in this dict."""
    objects: dict[str, bytes] = {}
    lock = threading.RLock()

    def made(root: Path) -> Files:
        return MemoryFiles(objects, lock, tmp_path / "local")

    monkeypatch.setattr("xstilts.store.phases.FolderFiles", made)
    return objects


class Killed(Exception):
    """Stands for the end of a process."""


def killer(step: int) -> Callable[[Report], bool]:
    def report(one: Report) -> bool:
        if one.step >= step:
            raise Killed
        return True

    return report


def test_phases_on_an_object_store_are_resumed_evaluated_and_equal_those_in_a_folder(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    toy.base_model(tmp_path / "base")
    toy.write_rows(tmp_path / "rows")
    task = toy.task("tags", tmp_path / "rows")
    training = toy.training(str(tmp_path / "base"), [task])
    scoring = toy.evaluation(training, task)
    folder = Store(tmp_path / "folder").prepare()
    for spec in (training, scoring):
        run_phase(spec, toy.context(folder.path), toy.silent)
    objects = request.getfixturevalue("in_memory")
    store = Store(tmp_path / "objects").prepare()
    with pytest.raises(Killed):
        context = toy.context(store.path, partial_every_seconds=0)
        run_phase(training, context, killer(8))
    assert store.phase(training.id).partials() == [7, 6]
    for spec in (training, scoring):
        run_phase(spec, toy.context(store.path), toy.silent)
        one, other = store.phase(spec.id).record(), folder.phase(spec.id).record()
        assert toy.numbers(one.result) == toy.numbers(other.result)
    assert store.done() == {training.id, scoring.id}
    left, right = store.phase(scoring.id), folder.phase(scoring.id)
    assert left.predictions("fi") == right.predictions("fi")
    weights = f"phases/{training.id}/model/model.safetensors"
    assert objects[weights] == (folder.path / weights).read_bytes()
    assert not any("partial" in name for name in objects)
    assert not (store.path / "phases").exists()


def test_lease_on_an_object_store_has_one_owner(
    tmp_path: Path, in_memory: dict[str, bytes]
) -> None:
    first, second = (Store(tmp_path).lease("phase") for _ in range(2))
    first.take()
    with pytest.raises(LeaseHeld):
        second.take()
    assert first.renew()
    first.release()
    assert in_memory == {}
    second.take()


def test_damaged_phase_on_an_object_store_is_set_aside(
    tmp_path: Path, in_memory: dict[str, bytes]
) -> None:
    in_memory["phases/a/record.json"] = b"torn"
    aside = Store(tmp_path).phase("a").set_aside()
    assert list(in_memory) == [f"{aside.removeprefix('memory://')}/record.json"]

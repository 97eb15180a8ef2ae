"""Tokenised data of an object store: made once, fetched elsewhere, compared, bounded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fault_proxy import Proxy
from xstilts.data.encoding import built
from xstilts.store import addresses
from xstilts.store.node_cache import SIZE_VARIABLE
from xstilts.store.objects import objects_at
from xstilts.store.shared_data import make_room, shared_data


@pytest.fixture
def on_machine(
    at_moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """The folder of some data on a machine of a name."""

    def folder(machine: str) -> Path:
        monkeypatch.setenv(addresses.CACHE_VARIABLE, str(tmp_path / machine))
        return addresses.made_home(at_moto) / "data/rows/abc"

    return folder


class Making:
    """Makes a folder of data, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "rows.arrow").write_bytes(b"rows" * 1000)
        (folder / "lengths.npy").write_bytes(b"lengths")


def test_data_are_made_by_the_first_machine_and_fetched_by_the_others(
    on_machine: Callable[[str], Path],
) -> None:
    making = Making()
    for machine in ("one", "two", "three"):
        folder = built(on_machine(machine), making)
        assert (folder / "rows.arrow").read_bytes() == b"rows" * 1000
        assert {path.name for path in folder.iterdir()} == {
            "rows.arrow",
            "lengths.npy",
            "facts.json",
        }
    assert making.times == 1


def test_data_that_come_damaged_are_made_again_for_all(
    on_machine: Callable[[str], Path], at_moto: str
) -> None:
    making = Making()
    built(on_machine("one"), making)
    objects = objects_at(at_moto)
    (key,) = [one.key for one in objects.listed("data") if one.key.endswith("rows.arrow")]
    objects.put(key, b"sawn" * 1000)
    assert (built(on_machine("two"), making) / "rows.arrow").read_bytes() == b"rows" * 1000
    assert making.times == 2
    built(on_machine("three"), making)
    assert making.times == 2


def test_data_whose_content_is_gone_are_made_again(
    on_machine: Callable[[str], Path], at_moto: str
) -> None:
    making, objects = Making(), objects_at(at_moto)
    built(on_machine("one"), making)
    objects.delete([one.key for one in objects.listed("data") if "lengths" in one.key])
    built(on_machine("two"), making)
    assert making.times == 2


def test_who_sends_second_leaves_what_is_there_and_no_rubbish(
    on_machine: Callable[[str], Path], at_moto: str
) -> None:
    folder = on_machine("one")
    folder.mkdir(parents=True)
    Making()(folder)
    shared = shared_data(folder)
    assert shared is not None
    shared.send(folder)
    before = objects_at(at_moto).listed("")
    shared.send(folder)
    assert [one[:2] for one in objects_at(at_moto).listed("")] == [one[:2] for one in before]


def test_folder_that_is_not_in_a_home_is_not_shared(tmp_path: Path) -> None:
    assert shared_data(tmp_path / "data/rows/abc") is None


def test_store_that_refuses_costs_only_the_sharing(
    on_machine: Callable[[str], Path], proxy: Proxy
) -> None:
    folder = on_machine("one")
    proxy.plan = lambda method, path: 403 if method == "PUT" else None
    assert (built(folder, Making()) / "rows.arrow").exists()


def test_copies_that_nobody_opened_for_long_go_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, "0.0000025")
    for age, name in enumerate(("new", "older", "oldest")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (10_000_000 - age, 10_000_000 - age))
    make_room(tmp_path.iterdir(), more=100)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "older"}
    os.utime(tmp_path / "older")
    os.utime(tmp_path / "new")
    make_room(tmp_path.iterdir(), more=5000)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "older"}

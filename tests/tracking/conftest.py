"""A finished sweep, and an MLflow database that is still empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import build_store
from tests.tracking.world import World
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.server import connect
from xstilts.tracking.tracker import tracking_uri


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small finished sweep and an initialised database; each test gets copies."""
    root = tmp_path_factory.mktemp("made")
    store, _ = build_store(
        root / "store",
        seeds=(1,),
        languages=("en", "de"),
        targets=("tags",),
        intermediates=("none", "skill", "broken"),
        examples=40,
    )
    connect(f"sqlite:///{root / 'empty.db'}")
    return store.path, root / "empty.db"


@pytest.fixture
def world(made: tuple[Path, Path], tmp_path: Path) -> World:
    shutil.copytree(made[0], tmp_path / "store")
    shutil.copy(made[1], tmp_path / "store" / "mlflow.db")
    store = Store(tmp_path / "store")
    folder = next(store.sweeps())
    sweep = read_sweep(folder)
    uri = tracking_uri(None, store)
    assert uri is not None
    return World(store=store, folder=folder, sweep=sweep, uri=uri)


@pytest.fixture
def warnings_() -> Iterator[list[str]]:
    yield []

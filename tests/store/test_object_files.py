"""Files in an object store: the contract on two servers that speak S3, through a proxy that fails,
and what only an object store does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.files_contract import FilesContract, Pair
from tests.support import object_servers
from xstilts.store.object_files import ObjectFiles
from xstilts.store.objects import Objects


def files_at(place: str, home: Path) -> ObjectFiles:
    """The files as another process would have them: with connections of its own."""
    return ObjectFiles(Objects(place), home)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with object_servers.moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_servers.ministack(str(tmp_path_factory.mktemp("ministack"))) as endpoint:
        yield endpoint


@pytest.fixture
def at_moto(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address at moto."""
    for name, value in object_servers.settings(moto).items():
        monkeypatch.setenv(name, value)
    return object_servers.address()


class TestOnMoto(FilesContract):
    """The contract at moto."""

    @pytest.fixture
    def files(self, at_moto: str, tmp_path: Path) -> Pair:
        return files_at(at_moto, tmp_path / "home"), files_at(at_moto, tmp_path / "home")


class TestOnMinistack(FilesContract):
    """The contract at ministack, from two machines."""

    @pytest.fixture
    def files(self, ministack: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pair:
        for name, value in object_servers.settings(ministack).items():
            monkeypatch.setenv(name, value)
        place = object_servers.address()
        return files_at(place, tmp_path / "home"), files_at(place, tmp_path / "home")

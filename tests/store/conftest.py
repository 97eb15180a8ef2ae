"""Servers of object stores that the tests of a folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import object_servers
from tests.support.fault_proxy import Proxy, proxied


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    with object_servers.moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_servers.ministack(str(tmp_path_factory.mktemp("ministack"))) as endpoint:
        yield endpoint


@pytest.fixture
def at_moto(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address at moto."""
    for name, value in object_servers.settings(moto).items():
        monkeypatch.setenv(name, value)
    return object_servers.address()


@pytest.fixture
def proxy(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before moto, at which addresses lie."""
    with proxied(moto) as found:
        for name, value in object_servers.settings(found.address).items():
            monkeypatch.setenv(name, value)
        yield found

"""Where a store lies: addresses and their homes on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store import addresses
from xstilts.store.phases import Store


@pytest.mark.parametrize("place", ["s3://key:secret@bucket/a", "az://box/a?sig=secret", "ftp://x"])
def test_address_that_cannot_be_used_is_a_store_error(place: str) -> None:
    with pytest.raises(StoreError) as error:
        Store(place)
    assert "secret" not in str(error.value)


def test_address_is_kept_without_a_slash_at_its_end() -> None:
    assert addresses.address("s3://bucket/a/") == "s3://bucket/a"


def test_address_of_a_file_is_its_folder() -> None:
    assert addresses.folder("file:///data/my%20store") == Path("/data/my store")
    assert addresses.folder("store") == Path.cwd() / "store"
    assert Store("file:///data/store").path == Path("/data/store")


def test_home_says_whose_it_is_and_leads_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(addresses.CACHE_VARIABLE, str(tmp_path))
    home = addresses.made_home("s3://bucket/a")
    assert home.is_relative_to(tmp_path) and home.stat().st_mode & 0o077 == 0
    assert addresses.made_home("s3://bucket/a") == home
    assert addresses.made_home("s3://bucket/b") != home
    assert addresses.address_of_home(home) == "s3://bucket/a"
    assert addresses.address_of_home(tmp_path) is None
    (tmp_path / "address").write_text("s3://bucket/a")
    assert addresses.address_of_home(tmp_path) is None


def test_cache_is_the_users_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(addresses.CACHE_VARIABLE, raising=False)
    assert addresses.cache() == Path.home() / ".cache/xstilts"


def test_home_that_cannot_be_made_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(addresses.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(StoreError, match="a file is where a folder must be"):
        addresses.made_home("s3://bucket/a")

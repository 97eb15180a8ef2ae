"""Addresses of stores: what is a folder, what an object store, and what no address may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.errors import StoreError
from xstilts.store import addresses
from xstilts.store.phases import Store


@pytest.mark.parametrize("place", ["store", "/data/store", "file:///data/store", "a:b", "s3:/x"])
def test_place_without_a_scheme_is_a_folder(place: str) -> None:
    assert not addresses.is_address(place)
    assert addresses.problem(place) == ""


def test_address_of_a_file_is_its_folder() -> None:
    assert addresses.folder("file:///data/my%20store") == Path("/data/my store")
    assert addresses.folder("store") == Path.cwd() / "store"


@pytest.mark.parametrize(
    "place",
    ["s3://bucket", "s3://bucket/a/b", "gs://bucket/a", "az://box/a", "abfss://box@account/a"],
)
def test_place_with_a_scheme_is_an_address(place: str) -> None:
    assert addresses.is_address(place) and addresses.problem(place) == ""
    assert addresses.address(f"{place}/") == place


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("s3://key:secret@bucket/a", "holds credentials"),
        ("s3://key@bucket/a", "holds credentials"),
        ("abfss://box:secret@account/a", "holds credentials"),
        ("az://box/a?sig=secret", "may be a token"),
        ("s3://bucket/a#secret", "may be a token"),
        ("http://host/a", "no object store"),
        ("ftp://host/a", "no object store"),
        ("s3:///a", "names no bucket"),
        ("s3://bucket/a//b", "a part of it is empty"),
        ("s3://bucket/a/../b", "a part of it is empty"),
    ],
)
def test_address_that_cannot_be_used_says_why_without_its_secret(place: str, why: str) -> None:
    with pytest.raises(StoreError, match=why) as error:
        addresses.address(place)
    assert "secret" not in str(error.value) and "key" not in str(error.value)
    with pytest.raises(StoreError, match=why):
        Store(place)


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

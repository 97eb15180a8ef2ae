"""Addresses in object stores: what is a folder, what an address, and what no address may hold."""

from __future__ import annotations

import pytest

from xstilts.spec.addresses import is_address, problem


@pytest.mark.parametrize("place", ["store", "/data/store", "file:///data/store", "a:b", "s3:/x"])
def test_place_without_a_scheme_is_a_folder(place: str) -> None:
    assert not is_address(place) and problem(place) == ""


@pytest.mark.parametrize(
    "place",
    ["s3://bucket", "s3://bucket/a/b", "gs://bucket/a", "az://box/a", "abfss://box@account/a"],
)
def test_place_with_a_scheme_is_an_address(place: str) -> None:
    assert is_address(place) and problem(place) == ""


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
    said = problem(place)
    assert why in said and "secret" not in said and "key" not in said

"""Manifests: what they hold, and that a changed one is noticed."""

from __future__ import annotations

import json

import pytest

from xstilts.store.manifests import TEXT_BYTES, Entry, Manifest, read_manifest, text_entry
from xstilts.store.sums import FileSum

WEIGHTS = Entry(sum=FileSum(5, "ab" * 32), key=".files/phases/a/1/model/weights")


def manifest() -> Manifest:
    text = text_entry('{"ü": 1}'.encode())
    assert text is not None
    return Manifest(owner="me", files={"model/weights": WEIGHTS, "spec.json": text})


def test_manifest_is_read_back() -> None:
    assert read_manifest(manifest().content()) == manifest()
    assert read_manifest(Manifest().content()) == Manifest()


def test_no_two_contents_are_the_same() -> None:
    assert manifest().content() != manifest().content()


def test_manifest_that_was_changed_is_none() -> None:
    content = manifest().content()
    values = json.loads(content)
    for changed in (
        content.replace(b"weights", b"Weights"),
        content[:-5],
        b"[]",
        b"{}",
        json.dumps({**values, "owner": "you"}).encode(),
        b"[" * 100_000,
    ):
        with pytest.raises(ValueError):
            read_manifest(changed)


def test_files_below_a_prefix_and_without_it() -> None:
    files = dict.fromkeys(("a", "a/b", "ab", "a/c/d"), WEIGHTS)
    whole = Manifest(files=files)
    assert {*whole.below("a")} == {"b", "c/d"}
    assert {*whole.below("")} == {*files}
    assert {*whole.without("a")} == {"ab"}
    assert {*whole.without("a/c")} == {"a", "a/b", "ab"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (TEXT_BYTES + 1)])
def test_what_is_long_or_no_text_lies_elsewhere(content: bytes) -> None:
    assert text_entry(content) is None

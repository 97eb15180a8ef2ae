"""Names become paths below a folder, and never others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tests.support.hostile import LEADING_OUT
from xstilts.errors import DataError, StoreError
from xstilts.store.inside import inside, part

ANYTHING = st.lists(
    st.sampled_from(["/", "..", ".", "a", "b", "\0", "\n", "~", "\\", "link", "ü", " ", "-"]),
    max_size=12,
).map("".join)


@given(ANYTHING | st.text(max_size=40))
def test_inside_gives_a_place_below_or_an_error(name: str) -> None:
    root = Path("/nowhere/store")
    try:
        path = inside(root, name)
    except StoreError:
        return
    assert os.path.normpath(path).startswith("/nowhere/store/")
    assert path == root / name


@pytest.mark.parametrize("name", LEADING_OUT)
def test_inside_refuses_what_leads_out_and_says_why(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"names no place in {tmp_path}: a part of it "):
        inside(tmp_path, name)
    with pytest.raises(DataError):
        inside(tmp_path, f"datasets/{name}/x", error=DataError)


def test_inside_refuses_links_that_lead_out(tmp_path: Path) -> None:
    (root := tmp_path / "root").mkdir()
    (other := tmp_path / "other").mkdir()
    (other / "file").write_text("mine")
    (root / "out").symlink_to(other)
    (root / "up").symlink_to("..")
    (root / "gone").symlink_to(tmp_path / "nothing")
    (root / "file").symlink_to(other / "file")
    (root / "in").symlink_to(root / "real")
    (root / "real").mkdir()
    for name in ("out", "out/file", "up/other/file", "gone", "file", "in/../out"):
        with pytest.raises(StoreError):
            inside(root, name)
    assert inside(root, "in/x") == root / "in/x"
    with pytest.raises(
        StoreError, match=rf"{root}/out/file: a link leads out of {root}, to {other}/file"
    ):
        inside(root, "out/file")


def test_inside_a_root_that_is_a_link_itself_is_fine(tmp_path: Path) -> None:
    (real := tmp_path / "real").mkdir()
    (real / "in").symlink_to(real / "x")
    (tmp_path / "link").symlink_to(real)
    assert inside(tmp_path / "link", "a/b") == tmp_path / "link/a/b"
    assert inside(tmp_path / "link", "in") == tmp_path / "link/in"


def test_inside_does_not_take_a_sibling_with_the_same_beginning_for_the_root(
    tmp_path: Path,
) -> None:
    (root := tmp_path / "store").mkdir()
    (tmp_path / "store-2").mkdir()
    (root / "out").symlink_to(tmp_path / "store-2")
    with pytest.raises(StoreError, match="leads out"):
        inside(root, "out/x")


@pytest.mark.parametrize("name", [*LEADING_OUT, "a/b", "x" * 256])
def test_part_refuses_what_is_no_single_part(name: str) -> None:
    with pytest.raises(StoreError, match="can't be the name of a file"):
        part(name)


@pytest.mark.parametrize("name", ["en", "zh-Hant", "$\\frac$", "<script>", "日本語"])
def test_part_gives_the_name_itself(name: str) -> None:
    assert part(name) == name

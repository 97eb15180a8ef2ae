"""Which texts can be names, and which parts of paths."""

from __future__ import annotations

import pytest

from tests.support.hostile import NAMES
from xstilts.spec.names import is_name, strange


@pytest.mark.parametrize("name", ["squad", "a", "9", "xlm-r_base.v1+x", "A" * 64, "a.", "a..b"])
def test_name_of_letters_digits_and_four_marks_is_one(name: str) -> None:
    assert is_name(name)
    assert strange(name) == ""


@pytest.mark.parametrize("name", [*NAMES, "ｓquad", "sq uad", "_a", "+a", "a" * 65, "$x$", "=1+1"])
def test_name_that_is_more_than_that_is_none(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("", "is empty"),
        (".", "is `.`"),
        ("..", "is `..`"),
        ("a/b", "has a slash"),
        ("a\0b", "has a control character"),
        ("a\nb", "has a control character"),
        ("ä" * 128, "is 256 bytes long, of at most 255"),
        ("\ud800", "is not text"),
    ],
)
def test_part_of_a_path_that_is_strange_is_told_why(part: str, why: str) -> None:
    assert strange(part) == why


@pytest.mark.parametrize("part", ["...", "a b", "-x", ".hidden", "日本語", "a\\b", "x" * 255])
def test_part_of_a_path_may_be_almost_anything(part: str) -> None:
    assert strange(part) == ""

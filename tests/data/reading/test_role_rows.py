"""Rows and those that were left out, filtered, cut and joined."""

from __future__ import annotations

import pyarrow as pa

from xstilts.data.reading.role_rows import RoleRows, joined, wrong


def numbers(count: int) -> RoleRows:
    """A table of the numbers from 0."""
    return RoleRows(table=pa.table({"n": list(range(count))}))


def held(read: RoleRows) -> list[int]:
    """The numbers of a table."""
    assert read.table is not None
    found: list[int] = read.table["n"].to_pylist()
    return found


def test_rows_are_left_out_with_their_reason() -> None:
    read = numbers(5).without([False, True, False, False, True], "odd ones")
    read = read.without([False, True, False], "even ones")
    assert held(read) == [0, 3]
    assert read.left_out == {"odd ones": 2, "even ones": 1}


def test_cut_has_left_out_only_what_lies_before_its_end() -> None:
    read = numbers(6).without([True, False, True, False, False, True], "a")
    assert held(read) == [1, 3, 4]
    assert read.first(3).left_out == read.first(None).left_out == {"a": 3}
    assert (held(read.first(2)), read.first(2).left_out) == ([1, 3], {"a": 2})
    assert (held(read.first(1)), read.first(1).left_out) == ([1], {"a": 1})


def test_places_stay_right_when_more_rows_are_left_out() -> None:
    read = numbers(6).without([False, False, False, True, False, False], "a")
    read = read.without([True, True, False, False, False], "b")
    assert held(read) == [2, 4, 5]
    assert read.first(1).left_out == {"b": 2}, "row 3 lies behind row 2"
    assert read.first(2).left_out == {"a": 1, "b": 2}


def test_tables_are_joined_with_what_they_left_out() -> None:
    one, two = numbers(3).without([False, False, True], "a"), numbers(2).without([True, False], "a")
    whole = joined([one, two])
    assert held(whole) == [0, 1, 1]
    assert whole.left_out == {"a": 2}
    assert whole.first(2).left_out == {}


def test_what_never_became_a_row_is_counted_too() -> None:
    read = numbers(2).behind({"lines without a tab": 3}).first(1)
    assert read.left_out == {"lines without a tab": 3}
    assert numbers(2).behind({}).left_out == {}


def test_nothing_flagged_leaves_the_rows_as_they_are() -> None:
    read = numbers(2)
    assert read.without([False, False], "a") is read
    bad = wrong(["it is wrong"])
    assert bad.without([True], "a") is bad.first(1) is bad

"""Multiple choice without a choice."""

from __future__ import annotations

import pyarrow as pa

from tests.data.doubts.tables import task
from xstilts.data.doubts.choices import doubts

OWN = task("multiple_choice", labels=("A", "B", "C"))


def told(rows: list[tuple[list[str], int]]) -> list[str]:
    table = pa.table(
        {
            "context": [f"context {i}" for i in range(len(rows))],
            "choices": pa.array([choices for choices, _ in rows], pa.list_(pa.string())),
            "label": pa.array([label for _, label in rows], pa.int64()),
        }
    )
    return list(doubts(table, OWN))


def test_rows_with_different_choices_and_places_raise_no_doubt() -> None:
    assert told([(["x", f"y{i}", "z"], i % 3) for i in range(30)]) == []


def test_one_choice_alone_is_always_right() -> None:
    (found,) = told([(["x"], 0), (["x", "y"], 1), (["x", "y"], 0)])
    assert found.startswith("1 of 3 rows have one choice alone")


def test_the_right_choice_that_stands_twice_is_told() -> None:
    (found,) = told([(["x", "x", "z"], i % 2) for i in range(4)] + [(["x", "y", "z"], 2)])
    assert found.startswith("in 4 of 5 rows the right choice stands again")


def test_wrong_choices_that_are_equal_raise_no_doubt() -> None:
    assert told([(["x", "x", "z"], 2), (["x", "y", "y"], 0)]) == []


def test_always_the_same_place_is_told_by_its_name() -> None:
    (found,) = told([([f"a{i}", f"b{i}"], 1) for i in range(10)])
    assert "the right choice is `B` in all 10 rows" in found
    assert told([([f"a{i}", f"b{i}"], 1) for i in range(9)]) == []


def test_a_first_choice_that_is_never_right_is_told() -> None:
    rows = [([f"a{i}", f"b{i}", f"c{i}"], 1 + i % 2) for i in range(24)]
    (found,) = told(rows)
    assert found.startswith("the first choice (`A`) is right in none of 24 rows")
    assert "counted from 1?" in found
    assert told(rows[:20]) == []  # 6.7 were to be expected
    assert told([*rows, (["x", "y", "z"], 0)]) == []


def test_choices_that_a_table_library_wrote_for_empty_cells_are_told() -> None:
    rows = [([f"a{i}", f"b{i}", "nan"], i % 2) for i in range(6)]
    (found,) = told(rows)
    assert found.startswith("6 of 6 rows have a choice `nan`")
    assert told([([f"a{i}", f"b{i}", "None"], i % 3) for i in range(6)]) == []

"""Choices: empty cells are none, and a label never changes its meaning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.data.reading.role_tables import good, roles

LETTERS = ("A", "B", "C")


def cells(*rows: tuple[str | None, str | None, str | None, str]) -> Any:
    """Questions of a table with a column for each choice, read."""
    listed = [list(one) for one in zip(*rows, strict=True)]
    columns = dict(zip((*LETTERS, "label"), listed, strict=True))
    given = {"context": ["which?"] * len(rows), **columns}
    return roles(given, "multiple_choice", columns={"choices": "A,B,C"}, labels=LETTERS)


def test_empty_cells_at_the_end_are_no_choices() -> None:
    table = good(cells(("x", "y", "", "B"), ("x", "y", "z", "C"), ("x", None, " ", "A")))
    assert table["choices"].to_pylist() == [["x", "y"], ["x", "y", "z"], ["x"]]
    assert table["label"].to_pylist() == [1, 2, 0]


def test_empty_cell_behind_the_right_choice_moves_no_label() -> None:
    table = good(cells(("x", "", "z", "A")))
    assert (table["choices"].to_pylist(), table["label"].to_pylist()) == ([["x", "z"]], [0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", "", "z", "C"), "1 rows have an empty choice before the right one"),
        (("x", "y", "", "C"), "1 rows have a label whose choice is empty"),
        (("", None, " ", "A"), "1 rows have no choice that is not empty"),
    ],
)
def test_label_that_an_empty_cell_would_move_is_an_error(row: Any, message: str) -> None:
    found = cells(("x", "y", "z", "A"), row).problems
    assert message in found[0]
    assert "(first: row 2)" in found[0]


def test_nulls_and_empty_texts_of_a_list_are_no_choices_either() -> None:
    columns = {
        "context": ["which?"] * 2,
        "choices": [["x", "y", None, ""], ["x", "y", "z"]],
        "label": [1, 2],
    }
    found = roles(columns, "multiple_choice")
    assert good(found)["choices"].to_pylist() == [["x", "y"], ["x", "y", "z"]]
    (problem,) = roles({**columns, "label": [2, 0]}, "multiple_choice").problems
    assert problem == "1 rows have a label whose choice is empty (first: row 1)"
    (problem,) = roles({**columns, "label": [1, 3]}, "multiple_choice").problems
    assert problem == "1 rows have a label beyond their choices (first: row 2)"


def test_row_with_a_hidden_label_is_left_out_with_its_empty_cells() -> None:
    columns = {"context": ["a", "b"], "choices": [["", "y"], ["x", "y"]], "label": [-1, 1]}
    found = roles(columns, "multiple_choice")
    assert good(found)["choices"].to_pylist() == [["x", "y"]]
    assert found.left_out == {"rows with a hidden label (-1)": 1}

"""Errors on a terminal and for scripts: each problem on one line, as it is."""

from __future__ import annotations

import pytest

from tests.support.printing import shown
from xstilts.cli.errors import error_value, exit_code, print_error
from xstilts.errors import DataError, LeaseHeld, Problem, SweepError


def test_error_with_brackets_is_printed_as_it_is() -> None:
    text = shown(print_error, DataError("dataset [red]x[/red]: not in the mirror"))
    assert text == "error: dataset [red]x[/red]: not in the mirror\n"


def test_error_long_message_stays_on_one_line() -> None:
    problems = [Problem(message="x y" * 100, file="s.yaml", line=3), Problem(message="y")]
    assert shown(print_error, SweepError(problems)).splitlines()[0] == f"s.yaml:3: {'x y' * 100}"


@pytest.mark.parametrize("error", [SweepError([Problem(message="m", line=3)]), DataError("m")])
def test_error_value_tells_input_errors(error: Exception) -> None:
    value = error_value(error)
    assert value["input"] is True
    assert value["kind"] == type(error).__name__
    assert ("problems" in value) == isinstance(error, SweepError)


def test_exit_code_is_2_for_what_the_user_gave() -> None:
    assert (exit_code(DataError("m")), exit_code(LeaseHeld("m"))) == (2, 1)

"""How a verb ends: what goes to which stream, and the exit code."""

from __future__ import annotations

import json

import pytest
import typer

from xstilts.cli.console import say
from xstilts.cli.outcome import outcome
from xstilts.errors import DataError, LeaseHeld, Problem, SweepError, TrackingError


def test_value_is_shown_as_text_or_as_one_json_value(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        with outcome(as_json) as show:
            show({"name": "Zoë"}, lambda console, data: say(console, f"it is {data['name']}"))
    printed = capsys.readouterr()
    assert printed.out == 'it is Zoë\n{"name": "Zoë"}\n'
    assert printed.err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("no such file"), 2),
        (SweepError([Problem(message="wrong")]), 2),
        (LeaseHeld("somebody runs it"), 1),
        (TrackingError("away"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_error_decides_the_exit_code(error: BaseException, code: int) -> None:
    with pytest.raises(typer.Exit) as caught, outcome(False):
        raise error
    assert caught.value.exit_code == code


def test_error_goes_to_standard_error_and_as_json_to_standard_output_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit), outcome(True):
        raise DataError("no such file")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["message"] == "no such file"
    assert printed.err == "error: no such file\n"


def test_error_of_the_program_itself_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError), outcome(False):
        raise ZeroDivisionError

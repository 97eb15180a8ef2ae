"""How numbers and text are written in the templates."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from xstilts.results.rendering import (
    csv,
    interval,
    number,
    p_value,
    setting,
    signed,
    ticked,
    tint,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"), [(71.26, "71.3"), (-0.4, "−0.4"), (None, "–"), (NAN, "–")]
)
def test_number_missing_is_a_dash_and_minus_a_minus_sign(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.26, "+1.3"), (0.04, "0.0"), (None, "–"), (NAN, "–")]
)
def test_signed_missing_is_a_dash(value: float | None, text: str) -> None:
    assert signed(value) == text


def test_interval_of_a_row_and_of_a_value_are_the_same() -> None:
    assert interval({"low": -0.21, "high": 1.4}) == "−0.2 to +1.4"
    assert interval(SimpleNamespace(low=-0.21, high=1.4)) == "−0.2 to +1.4"
    assert interval({"low": NAN, "high": NAN}) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "<0.001"), (0.0344, "0.034"), (0.5, "0.50"), (NAN, "–")]
)
def test_p_value_has_as_many_digits_as_it_needs(value: float, text: str) -> None:
    assert p_value(value) == text


def test_setting_is_written_as_people_write_it() -> None:
    assert [setting(one) for one in (5e-5, 400, "cosine", None)] == ["5e-05", "400", "cosine", "–"]


def test_tint_is_blue_for_gains_red_for_losses_and_paler_for_less() -> None:
    assert tint(2.0, 2.0) == "background:rgba(33,102,172,0.42)"
    assert tint(-1.0, 2.0) == "background:rgba(178,24,43,0.21)"
    assert tint(9.0, 2.0) == tint(2.0, 2.0), "the limit is the darkest"
    assert tint(None, 2.0) == tint(1.0, 0.0) == ""


def test_csv_marks_text_that_a_spreadsheet_would_take_for_a_formula() -> None:
    table = pd.DataFrame(
        {
            "=name": ["=1+1", "plain", None, "@sum", "-2", "-2+3", "a,=1"],
            "value": [-1.5, 2.0, float("nan"), -3.0, 4.0, 5.0, 6.0],
            "seen": [True, False, None, True, None, None, True],
        }
    )
    assert csv(table).decode().splitlines() == [
        "'=name,value,seen",
        "'=1+1,-1.5,True",
        "plain,2.0,False",
        ",,",
        "'@sum,-3.0,True",
        "-2,4.0,",
        "'-2+3,5.0,",
        '"a,=1",6.0,True',
    ]


def test_ticked_is_code_in_html_and_everything_is_escaped() -> None:
    assert ticked("label `<x>` & `y` <b>") == (
        "label <code>&lt;x&gt;</code> &amp; <code>y</code> &lt;b&gt;"
    )

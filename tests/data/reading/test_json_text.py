"""JSON text as strictly as rows need it."""

from __future__ import annotations

import pytest

from xstilts.data.reading.json_text import NotJSON, decoded
from xstilts.errors import DataError


def test_values_are_decoded_and_nan_is_null() -> None:
    text = '{"a": [NaN, 1.0, 1, true], "b": "é"}'
    assert decoded(text, "f") == {"a": [None, 1.0, 1, True], "b": "é"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"f: not JSON \(Expecting property name .* at character 2\)"),
        ("[1,\n2\n", "f: not JSON .* in line"),
        ("", "f: not JSON"),
    ],
)
def test_text_that_is_no_json_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(NotJSON, match=message):
        decoded(text, "f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"b": {"a": 1, "a": 1}}', "f: an object has the key 'a' twice; keep one"),
        ("[" * 5000 + "]" * 5000, "f: is nested too deeply"),
        ("9" * 5000, "f: "),
    ],
)
def test_json_that_no_row_can_hold_is_told(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        decoded(text, "f")
    assert not isinstance(error.value, NotJSON)

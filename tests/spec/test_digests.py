"""One text for one value, and where two values differ."""

from __future__ import annotations

import pytest

from xstilts.spec.digests import canonical_json, differences


def test_canonical_json_knows_no_order_and_no_nan() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_differences_name_the_path_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": [1, 2]}, "d": 0}, {"a": {"b": 2, "c": [1, 3]}, "e": 5}
    assert list(differences(old, new)) == [
        ("a.b", 1, 2),
        ("a.c[1]", 2, 3),
        ("d", 0, None),
        ("e", None, 5),
    ]

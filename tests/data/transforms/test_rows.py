"""Texts of a row in the order of its roles, and answers that stay where they stand."""

from __future__ import annotations

from pathlib import Path

from tests.support import transform_worlds as worlds


def test_copa_codes_stay(tmp_path: Path) -> None:
    rows = [
        {"context": "It fell.", "question": "cause", "choices": ["I hit it.", "I ran."], "label": 0}
    ]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "multiple_choice", rows, {"pseudo": {}}))
    assert row["question"] == "cause"
    assert row["context"] != "It fell." and row["choices"][0] != "I hit it."

"""GPU hours of a sweep, noted in its folder."""

from __future__ import annotations

from pathlib import Path

from xstilts.store.spent import FILE, read_spent, write_spent


def test_spent_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_spent(tmp_path, {"L4": 1.5, "": 2})
    assert read_spent(tmp_path) == {"L4": 1.5, "": 2.0}


def test_spent_that_is_lost_or_damaged_is_unknown(tmp_path: Path) -> None:
    assert read_spent(tmp_path) is None
    write_spent(tmp_path, {"L4": 1.5})
    file = tmp_path / FILE
    file.write_text(file.read_text().replace("1.5", "0.5"))
    assert read_spent(tmp_path) is None
    file.write_text("[]")
    assert read_spent(tmp_path) is None

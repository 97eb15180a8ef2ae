"""Files that a test writes in place of those that a user brings."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str) -> None:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

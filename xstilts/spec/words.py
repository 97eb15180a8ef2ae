"""A list of short names, written as one text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The names in `text`, which white space separates."""
    return tuple(text.split())

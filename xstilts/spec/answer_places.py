"""Where an answer stands in its context.

An answer of span QA is a text and the character at which it begins. Offsets are often wrong
(counted in bytes, or before the text was cleaned), so an answer that does not stand at its start
stands at its nearest occurrence, letter for letter: another case, other white space or another
Unicode form is another text. Without a start it stands at its first occurrence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Span = tuple[int, int]
"""First character of a piece of text, and the character after its last."""


def place(context: str, text: str, start: int | None) -> Span | None:
    """The place of an answer: at `start`, else its occurrence nearest to it, the earlier of two;
    None if it has none, and for white space.
    """
    at = -1 if start is None else start
    if not text.strip():
        return None
    if at >= 0 and context.startswith(text, at):
        return at, at + len(text)
    before, after = context.rfind(text, 0, max(0, at) + len(text)), context.find(text, max(0, at))
    found = [one for one in (before, after) if one >= 0]
    begin = min(found, key=lambda one: abs(one - at), default=None)
    return None if begin is None else (begin, begin + len(text))


def first_place(context: str, answers: Mapping[str, Any]) -> Span | None:
    """The place of the first of a row's answers (`text`, `answer_start`: a list each) that has
    one.
    """
    pairs = zip(answers["text"], answers["answer_start"], strict=True)
    places = (place(context, text, start) for text, start in pairs)
    return next((one for one in places if one is not None), None)


def occurrences(text: str, part: str) -> list[int]:
    """Where `part` occurs in `text`, overlaps included; nowhere if it is empty."""
    found = []
    at = text.find(part) if part else -1
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found

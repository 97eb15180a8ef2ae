"""Replaces the words of a text one by one and keeps track of where answers move.

A *word* is a run of letters with their combining marks. Everything else (spaces, punctuation,
digits) stays unchanged, so a text keeps its shape and each old character has a new place. An answer
that ends inside a replaced word (`Denver` in `Denvers`) is widened to the whole new word: half of a
replaced word means nothing.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]
"""Begin and end character, the end not included."""


@lru_cache(maxsize=1)
def runs() -> re.Pattern[str]:
    """Matches a run of letters: `don't` is two words."""
    return re.compile(_letters())


@lru_cache(maxsize=1)
def joined() -> re.Pattern[str]:
    """Matches letters joined by apostrophes: `don't` is one word."""
    return re.compile(f"{_letters()}(?:['’]{_letters()})*")


def _letters() -> str:
    """One or more letters; combining marks (vowel signs of Hindi, accents) belong to the letter
    before them.
    """
    return rf"(?:[^\W\d_][{''.join(_ranges())}]*)+"


def _ranges() -> Iterator[str]:
    """Ranges of combining marks for a character class; `re` has no name for them."""
    marks = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)).startswith("M")
    ]
    first = last = marks[0]
    for code in [*marks[1:], sys.maxunicode + 2]:
        if code != last + 1:
            yield f"{chr(first)}-{chr(last)}"
            first = code
        last = code


@dataclass(frozen=True, kw_only=True)
class ReplacedText:
    """A text after its words were replaced."""

    text: str
    places: tuple[tuple[int, int, int, int, bool], ...]
    """For each word: begin and end in the old text, begin and end in the new one, whether it
    changed.
    """

    def carried(self, span: Span) -> Span:
        """Where a span of the old text is now; an edge inside a changed word moves to its edge."""
        begin, end = span
        return self._place(begin, 0), (
            self._place(end, 1) if end > begin else self._place(begin, 0)
        )

    def _place(self, old: int, side: int) -> int:
        """New place of an edge; `side` 0: a begin, 1: an end."""
        number = bisect_right(self.places, old - side, key=lambda place: place[0]) - 1
        if number < 0:
            return old
        begin, end, new_begin, new_end, changed = self.places[number]
        if old >= end:
            return new_end + old - end
        if changed and old > begin:
            return new_end if side else new_begin
        return new_begin + old - begin


def replace(text: str, pattern: re.Pattern[str], new: Callable[[str], str]) -> ReplacedText:
    """`text` with each match of `pattern` replaced by `new(match)`."""
    parts: list[str] = []
    places: list[tuple[int, int, int, int, bool]] = []
    last = size = 0
    for match in pattern.finditer(text):
        begin, end = match.span()
        word = new(match[0])
        parts += [text[last:begin], word]
        size += begin - last
        places.append((begin, end, size, size + len(word), word != match[0]))
        size += len(word)
        last = end
    parts.append(text[last:])
    return ReplacedText(text="".join(parts), places=tuple(places))

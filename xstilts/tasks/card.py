"""What a dataset should be: its rows, its labels, and how long a row is.

A card lies beside the task that reads the dataset (`cards`). `check` holds the data at hand to it,
and the estimate of a plan takes rows and lengths from it. Each number says where it comes from;
those from memory are marked `unverified`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHARACTERS_PER_TOKEN = 4.3
"""An estimate, from memory: characters of English text in one piece of a vocabulary of 250,000.
Other languages need about as many pieces for the same meaning, though they write more or fewer
characters.
"""
SPECIAL_TOKENS = 4
"""Of a pair in XLM-R's frame."""


def tokens_of(characters: float) -> float:
    """Mean sub-tokens of a sequence of so many characters before it is cut: an estimate."""
    return characters / CHARACTERS_PER_TOKEN + SPECIAL_TOKENS


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one split in one language: a number, or a range where languages differ."""

    low: int
    high: int
    by_language: Mapping[str, int] = field(default_factory=dict)
    """Language to its number, where it is known apart."""
    typical: int | None = None
    """Of a range, what a language has on the whole; for estimates alone."""
    source: str = "facts"
    """`facts` (the project's notes on the papers and their code), `hub` (what the hub's own dataset
    library states), `counted` (in a copy of the data), `memory`.
    """

    @property
    def unverified(self) -> bool:
        """Whether the number is from memory."""
        return self.source == "memory"

    def expected(self, language: str) -> tuple[int, int]:
        """Fewest and most rows in `language`."""
        known = self.by_language.get(language)
        return (known, known) if known is not None else (self.low, self.high)

    def estimate(self, language: str) -> int:
        """One number for `language`."""
        low, high = self.expected(language)
        return low if low == high else self.typical or (low + high) // 2


@dataclass(frozen=True, kw_only=True)
class Card:
    """One dataset as a task reads it."""

    characters: float
    """Mean characters of one input sequence in English (of one choice with its context, of one
    sentence of a pair to be retrieved).
    """
    sequences: int = 1
    """Input sequences of one row: its choices, or the two sides of a retrieval."""
    rows: Mapping[str, Rows]
    """The source's split to its rows."""
    labels: tuple[str, ...] = ()
    """Label names, where the head has one output for each."""
    content: Mapping[str, str] = field(default_factory=dict)
    """`split/language` to the hash of its files (SHA-256 of their SHA-256s, as `check` prints it),
    where known.
    """

    @property
    def tokens(self) -> float:
        """Mean sub-tokens of one sequence before it is cut: an estimate."""
        return tokens_of(self.characters)

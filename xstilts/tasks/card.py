"""What a dataset should be: its rows, its labels, and how long a row is.

Each built-in task has a card for its dataset (`cards`). `check` compares the actual data with it,
and the estimate of a plan takes rows and lengths from it. Each number names its source; numbers
from memory are marked `unverified`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xstilts.spec.languages import alias

CHARACTERS_PER_TOKEN = 4.3
"""An estimate, from memory: characters of English text per token of a vocabulary of 250,000. Other
languages need about as many tokens for the same meaning, but more or fewer characters.
"""
SPECIAL_TOKENS = 4
"""Special tokens of a pair in XLM-R."""


def tokens_of(characters: float) -> float:
    """Estimated tokens of a sequence with this many characters, before it is cut."""
    return characters / CHARACTERS_PER_TOKEN + SPECIAL_TOKENS


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one split in one language: a number, or a range where languages differ."""

    low: int
    high: int
    by_language: Mapping[str, int] = field(default_factory=dict)
    """Language to its number of rows, where that is known."""
    typical: int | None = None
    """For a range, the number for a typical language; used only for estimates."""
    source: str = "facts"
    """`facts` (the project's notes on the papers and their code), `hub` (stated by the hub's own
    dataset library), `counted` (in a copy of the data), `memory`.
    """

    @property
    def unverified(self) -> bool:
        """Whether the number is from memory."""
        return self.source == "memory"

    def expected(self, language: str) -> tuple[int, int]:
        """Fewest and most rows in `language`."""
        name = alias(language, self.by_language)
        known = None if name is None else self.by_language[name]
        return (known, known) if known is not None else (self.low, self.high)

    def estimate(self, language: str) -> int:
        """One number for `language`."""
        low, high = self.expected(language)
        return low if low == high else self.typical or (low + high) // 2


@dataclass(frozen=True, kw_only=True)
class Card:
    """One dataset as a task reads it."""

    characters: float
    """Mean characters of one input sequence in English: of one choice with its context, or of one
    sentence for retrieval.
    """
    sequences: int = 1
    """Input sequences of one row: its choices, or the two sides for retrieval."""
    rows: Mapping[str, Rows]
    """The source's split to its rows."""
    labels: tuple[str, ...] = ()
    """Label names, if the head has one output for each."""
    content: Mapping[str, str] = field(default_factory=dict)
    """`split/language` to the hash of its files (SHA-256 of their SHA-256s, as `check` prints it),
    if known.
    """

    @property
    def tokens(self) -> float:
        """Estimated mean tokens of one sequence, before it is cut."""
        return tokens_of(self.characters)

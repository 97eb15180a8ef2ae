"""Cuts a text into sentences, for models that translate one at a time, and joins them again.

Sentences end where `xstilts.data.reading.sentences` says, and at each new line. The spaces between
them belong to no sentence and are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xstilts.data.reading.sentences import breaks
from xstilts.data.transforms.words import Span
from xstilts.spec.languages import resolve
from xstilts.spec.words import words

BLANKLESS = frozenset(words("Bopo Hanb Hani Hans Hant Hira Hrkt Jpan Kana"))
"""Scripts without a space between sentences."""
UNSPACED = BLANKLESS | frozenset(words("Khmr Lana Laoo Mymr Talu Thai Tibt"))
"""Scripts without a space between words."""


def blankless(language: str) -> bool:
    """Whether a language is written without a space between sentences."""
    return resolve(language).script in BLANKLESS


def unspaced(language: str) -> bool:
    """Whether a language is written without a space between words (`ja`, not `ja-Latn`)."""
    return resolve(language).script in UNSPACED


def spans(text: str, together: Iterable[Span] = ()) -> list[Span]:
    """Begin and end of each sentence, without the spaces around it; no sentence ends inside a span
    of `together`.
    """
    found: list[Span] = []
    start = 0
    for line in text.split("\n"):
        found += [(start + begin, start + end) for begin, end in breaks(line)]
        start += len(line) + 1
    for first, last in together:
        cut = [one for one in found if one[0] < last and first < one[1]]
        if len(cut) > 1:
            at = found.index(cut[0])
            found[at : at + len(cut)] = [(cut[0][0], cut[-1][1])]
    return found


def rejoined(
    text: str, places: Sequence[Span], new: Sequence[str], language: str
) -> tuple[str, list[int]]:
    """`text` with its sentences at `places` replaced, and where each new one begins.

    The text between them stays, except for spaces within a line if `language` has none between
    sentences.
    """
    parts: list[str] = []
    begins: list[int] = []
    size = last = 0
    for (begin, end), sentence in zip(places, new, strict=True):
        gap = text[last:begin]
        if blankless(language) and last and not gap.strip(" "):
            gap = ""
        parts += [gap, sentence]
        begins.append(size + len(gap))
        size += len(gap) + len(sentence)
        last = end
    return "".join([*parts, text[last:]]), begins

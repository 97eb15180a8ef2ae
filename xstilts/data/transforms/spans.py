"""Where an answer is in a translation.

Two means. *Marks*: the answer is put into brackets before its sentence is translated, and the
brackets are looked for in what comes out (mark-then-translate; Chen et al. 2023, EasyProject, arXiv
2211.15613). Marks can harm a translation, so they tell what the answer is called and the text
itself is translated without them, where that will do. *Text*: what the answer is called is looked
for in the translated text; of several places the one that lies most like the old one is taken, and
a place inside a longer word is none, except in scripts that have no blanks.
"""

from __future__ import annotations

from dataclasses import dataclass

from xstilts.data.transforms.rows import occurrences
from xstilts.data.transforms.sentences import UNSPACED
from xstilts.data.transforms.words import Span

_MARKS = (("[［【〔", "]］】〕"), ("<＜〈《", ">＞〉》"), ('"“”„«»「」『』', '"“”„«»「」『』'))
"""Opening and closing marks, each with the forms that a translation may give it; the first of each
is put.
"""


def marked(sentence: str, span: Span) -> str | None:
    """The sentence with the answer at `span` in marks that it does not have itself; None where all
    are taken.
    """
    begin, end = span
    for opening, closing in _MARKS:
        if not set(sentence) & set(opening + closing):
            return (
                f"{sentence[:begin]}{opening[0]}{sentence[begin:end]}{closing[0]}{sentence[end:]}"
            )
    return None


@dataclass(frozen=True, kw_only=True)
class Unmarked:
    """A translation without its marks, and where the answer stands in it."""

    text: str
    span: Span

    @property
    def answer(self) -> str:
        """The answer in the translation."""
        return self.text[self.span[0] : self.span[1]]


def unmarked(translation: str, put: str, language: str) -> Unmarked | None:
    """The translation of the marked sentence `put`; None where its marks did not come through as
    one pair.
    """
    opening, closing = next(pair for pair in _MARKS if pair[0][0] in put)
    places = [at for at, letter in enumerate(translation) if letter in opening + closing]
    if (
        len(places) != 2
        or translation[places[0]] not in opening
        or translation[places[1]] not in closing
    ):
        return None
    before, inside = translation[: places[0]], translation[places[0] + 1 : places[1]].strip()
    after = translation[places[1] + 1 :]
    if not inside:
        return None
    blank = "" if language in UNSPACED else " "
    before += blank if before[-1:].isalnum() else ""
    after = (blank if after[:1].isalnum() else "") + after
    return Unmarked(text=f"{before}{inside}{after}", span=(len(before), len(before) + len(inside)))


def found(text: str, answer: str, share: float, language: str) -> Span | None:
    """Where `answer` stands in `text`, in the same capitals or others; `share`: how far on it
    should be (0 to 1).
    """
    answer = answer.strip()
    for where, what in ((text, answer), (text.lower(), answer.lower())):
        if len(where) != len(
            text
        ):  # small letters of another length: places would not be those of `text`
            continue
        places = [
            at
            for at in occurrences(where, what)
            if language in UNSPACED or _free(where, at, at + len(what))
        ]
        if places:
            begin = min(places, key=lambda at: abs(at - share * len(text)))
            return begin, begin + len(what)
    return None


def _free(text: str, begin: int, end: int) -> bool:
    """Whether no letter or digit stands beside those at the edges."""
    left = text[begin - 1 : begin].isalnum() and text[begin].isalnum()
    return not left and not (text[end : end + 1].isalnum() and text[end - 1].isalnum())

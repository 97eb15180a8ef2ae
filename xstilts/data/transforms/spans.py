"""Finds an answer in a translation.

There are two ways. *Marks*: the answer is put in brackets before its sentence is translated, and
the brackets are looked for in the translation (mark-then-translate; Chen et al. 2023, EasyProject,
arXiv 2211.15613). Marks can harm a translation, so if possible they serve only to learn how the
answer is translated, and the text itself is translated without them. *Text*: the translated answer
is looked for in the translated text. Of several occurrences the one whose relative position is
closest to the original's is taken; occurrences inside a longer word do not count, except in scripts
without spaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from xstilts.data.transforms.sentences import unspaced
from xstilts.data.transforms.words import Span
from xstilts.spec.answer_places import occurrences

_MARKS = (("[［【〔", "]］】〕"), ("<＜〈《", ">＞〉》"), ('"“”„«»「」『』', '"“”„«»「」『』'))
"""Pairs of opening and closing marks, each with the forms it may take in a translation; the first
form is inserted.
"""


def marked(sentence: str, span: Span) -> str | None:
    """The sentence with the answer at `span` in marks that it does not contain; None if it has
    all.
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
    """A translation without its marks, and the place of the answer in it."""

    text: str
    span: Span

    @property
    def answer(self) -> str:
        """The answer in the translation."""
        return self.text[self.span[0] : self.span[1]]


def unmarked(translation: str, put: str, language: str) -> Unmarked | None:
    """The translation of the marked sentence `put`, without marks; None if it does not have exactly
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
    blank = "" if unspaced(language) else " "
    before += blank if before[-1:].isalnum() else ""
    after = (blank if after[:1].isalnum() else "") + after
    return Unmarked(text=f"{before}{inside}{after}", span=(len(before), len(before) + len(inside)))


def found(text: str, answer: str, share: float, language: str) -> Span | None:
    """Where `answer` occurs in `text`, preferably in the same case; `share`: its expected relative
    position (0 to 1).
    """
    answer = answer.strip()
    for searched, what in ((text, answer), (text.lower(), answer.lower())):
        if len(searched) != len(text):  # lower case changed the length, so places would not fit
            continue
        places = [
            at
            for at in occurrences(searched, what)
            if unspaced(language) or _free(searched, at, at + len(what))
        ]
        if places:
            begin = min(places, key=lambda at: abs(at - share * len(text)))
            return begin, begin + len(what)
    return None


def _free(text: str, begin: int, end: int) -> bool:
    """Whether the span begins and ends at word boundaries."""
    left = text[begin - 1 : begin].isalnum() and text[begin].isalnum()
    return not left and not (text[end : end + 1].isalnum() and text[end - 1].isalnum())

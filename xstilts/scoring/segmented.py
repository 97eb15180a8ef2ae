"""A token F1 that means the same in every script: SQuAD's, mended.

SQuAD's scorer was made for English. In other languages it leaves punctuation in, takes English
articles out, and sees one token where a script writes no blanks, so that its F1 there is an exact
match. This measure stands beside the official ones and never replaces them:

- Compatible characters are one (NFKC: full-width digits, half-width kana), then case is folded.
- Unicode's punctuation goes, and the ASCII symbols that SQuAD drops.
- The articles a, an, the go in English alone. No other language loses words: nobody has agreed on
  which, and MLQA's list is MLQA's.
- A token is a character with its marks in scripts that write no blanks between words (Han, kana,
  Bopomofo, Thai, Lao, Khmer, Myanmar), in whatever language they stand; elsewhere what blanks
  separate.
- Two answers without a token agree, as in SQuAD v2.0.

`mlqa.py` does nearly this for Chinese. Characters are finer than words, so values are higher than
with a segmenter; no segmenter is needed, and none of its versions changes a number.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, partial

from xstilts.scoring.mlqa import punctuation
from xstilts.scoring.overlap import Scorer

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SCRIPTS = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "BOPOMOFO",
    "IDEOGRAPHIC",
    "THAI ",
    "LAO ",
    "KHMER ",
    "MYANMAR ",
)
"""What the Unicode names of such characters begin with."""


@cache
def _tokens() -> re.Pattern[str]:
    """Finds tokens: a character of a script without blanks and the marks on it, or a run of
    anything else.
    """
    letters, marks = [], []
    for code in range(sys.maxunicode):
        if unicodedata.category(chr(code))[0] == "M":
            marks.append(code)
        elif unicodedata.name(chr(code), "").startswith(_SCRIPTS) and not chr(code).isspace():
            letters.append(code)
    return re.compile(rf"[{_ranges(letters)}][{_ranges(marks)}]*|[^\s{_ranges(letters)}]+")


def _ranges(codes: list[int]) -> str:
    """Code points as the inside of a character class; neighbours become a range."""
    ends: list[list[int]] = []
    for code in codes:
        if ends and ends[-1][1] == code - 1:
            ends[-1][1] = code
        else:
            ends.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ends)


def normalise(text: str, language: str | None) -> str:
    """The tokens of `text` with a blank between them; `language` decides about articles alone."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(punctuation())
    if language == "en":
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split() if text.isascii() else _tokens().findall(text))


def scorer(language: str | None) -> Scorer:
    """The measure in one language; its exact match is not reported."""
    return Scorer(partial(normalise, language=language), empty_f1=1.0)

"""A token F1 that means the same in every script: SQuAD's, corrected.

SQuAD's scorer was made for English. In other languages it keeps punctuation, removes English
articles, and takes a text in a script without spaces for one token, so that its F1 is an exact
match. This measure is reported beside the official ones and never replaces them:

- Compatible characters become equal (NFKC: full-width digits, half-width kana), then case is
  folded.
- Unicode's punctuation and the ASCII symbols that SQuAD drops are removed.
- The articles a, an, the are removed only in English. No other language loses words: there is no
  agreed list, and MLQA's is its own.
- In scripts without spaces between words (Han, kana, Bopomofo, Thai, Lao, Khmer, Myanmar), in any
  language, a token is a character with its marks; elsewhere tokens are separated by spaces.
- Two answers without a token agree, as in SQuAD v2.0.

`mlqa.py` does nearly the same for Chinese. Characters are finer than words, so values are higher
than with a segmenter; but no segmenter is needed, whose versions would change the numbers.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, partial

from xstilts.scoring.mlqa import punctuation
from xstilts.scoring.overlap import Scorer
from xstilts.spec.languages import resolve

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
"""How the Unicode names of characters in scripts without spaces begin."""


@cache
def _tokens() -> re.Pattern[str]:
    """Matches a token: a character of a script without spaces and the marks on it, or a run of
    other characters.
    """
    letters, marks = [], []
    for code in range(sys.maxunicode):
        if unicodedata.category(chr(code))[0] == "M":
            marks.append(code)
        elif unicodedata.name(chr(code), "").startswith(_SCRIPTS) and not chr(code).isspace():
            letters.append(code)
    return re.compile(rf"[{_ranges(letters)}][{_ranges(marks)}]*|[^\s{_ranges(letters)}]+")


def _ranges(codes: list[int]) -> str:
    """Code points as the inside of a character class, neighbours joined into ranges."""
    ends: list[list[int]] = []
    for code in codes:
        if ends and ends[-1][1] == code - 1:
            ends[-1][1] = code
        else:
            ends.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ends)


def normalise(text: str, language: str | None) -> str:
    """The tokens of `text` separated by spaces; `language` only decides about articles."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(punctuation())
    if language is not None and resolve(language).code == "en":
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split() if text.isascii() else _tokens().findall(text))


def scorer(language: str | None) -> Scorer:
    """The measure in one language; its exact match is not reported."""
    return Scorer(partial(normalise, language=language), empty_f1=1.0)

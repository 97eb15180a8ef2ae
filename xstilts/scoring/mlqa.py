"""MLQA's own measures of an answer, in each of its languages.

Lewis et al. 2020 (arXiv 1910.07475, section 5) adapt SQuAD's exact match and F1: punctuation is
Unicode's (all categories P, and the ASCII symbols that SQuAD drops), articles are those of the
language, Chinese is cut into characters. XTREME scores MLQA with their scorer,
`mlqa_evaluation_v1.py`. These are its rules, oddities included:

- Articles are removed as whole words; in Vietnamese also `của` (of) and three classifiers.
- Arabic `ال` is replaced by a space wherever it occurs, even inside a word: `مقالة` becomes two
  tokens. The scorer means the prefix; its pattern does not say so.
- Chinese: every character from U+4E00 to U+9FA5 is a token, everything else is split at white
  space. Other Chinese characters (rare ones, extensions) stay together.
- The text is lower-cased first, so that articles are found; two empty answers match exactly with an
  F1 of 0.

The scorer knows seven languages and refuses others. Here other languages are treated like Hindi (no
articles, tokens between spaces), so a task with more languages has a number everywhere.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache, partial
from types import MappingProxyType

from xstilts.scoring.overlap import Scorer
from xstilts.spec.languages import resolve

LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
"""The languages that the official scorer knows; here under any name (`zh-CN`, `eng`)."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "en": "a an the",
        "es": "un una unos unas el la los las",
        "de": "ein eine einen einem eines einer der die das den dem des",
        "vi": "của là cái chiếc những",
    }
)
_ARTICLES = {
    code: re.compile(rf"\b(?:{'|'.join(words.split())})\b") for code, words in _WORDS.items()
}
_CHINESE = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5]+")


@cache
def punctuation() -> dict[int, None]:
    """A table for `str.translate` that drops Unicode's punctuation and all of
    `string.punctuation`.
    """
    marks = [
        code for code in range(sys.maxunicode) if unicodedata.category(chr(code)).startswith("P")
    ]
    return dict.fromkeys([*marks, *map(ord, string.punctuation)])


def normalise(text: str, language: str) -> str:
    """`text` as MLQA compares it in `language`: its tokens separated by spaces."""
    code, text = resolve(language).code, text.lower().translate(punctuation())
    if code == "zh":
        return " ".join(_CHINESE.findall(text))
    if code == "ar":
        text = text.replace("ال", " ")
    elif code in _ARTICLES:
        text = _ARTICLES[code].sub(" ", text)
    return " ".join(text.split())


def scorer(language: str, *, empty_f1: float = 0.0) -> Scorer:
    """The measures in one language; `empty_f1` as in `overlap.Scorer` (1 if questions may have no
    answer).
    """
    return Scorer(partial(normalise, language=language), empty_f1=empty_f1)

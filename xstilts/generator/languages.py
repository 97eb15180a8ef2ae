"""The lexicon: concepts, and the word each language has for them.

A concept is a text such as `noun.17`; its class stands before the dot. Every language has exactly one
word for every concept, and no word stands for two concepts, in one language or across them. What two
languages share they share by borrowing: a language takes `borrowed` of its content words from the
training language as they are, and makes up the rest from syllables of its own. Punctuation is common
to all; function words (markers, conjunctions, question words) are never borrowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from xstilts.generator.draw import stream

KINDS = ("person", "animal", "thing", "place")
"""Semantic kind of a noun: `noun.i` is of kind `i % 4`."""
CLASS_SIZES: Mapping[str, int] = MappingProxyType({"noun": 32, "verb": 12, "adjective": 12, "adverb": 6})
FUNCTION_CONCEPTS = (
    "marker.agent", "marker.patient", "marker.place", "conjunction.and", "question.agent", "question.patient",
)  # fmt: skip
PUNCTUATION: Mapping[str, str] = MappingProxyType({"sign.stop": ".", "sign.ask": "?", "sign.gloss": "="})
"""The same in every language. `=` stands between a sentence and its translation in raw text."""
CONTENT_CONCEPTS = tuple(f"{name}.{i}" for name, size in CLASS_SIZES.items() for i in range(size))


@dataclass(frozen=True, kw_only=True)
class Language:
    """One member of the family."""

    code: str
    consonants: str
    vowels: str
    borrowed: float
    """Share of the content words that are the training language's own."""
    verb_final: bool = False
    """Verb last, adjective after its noun, marker after its phrase; else the other way round."""


TRAINING_LANGUAGE = "xa"
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.code: language
        for language in (
            Language(code="xa", consonants="bdglmn", vowels="aei", borrowed=1.0),
            Language(code="xb", consonants="kprstv", vowels="aou", borrowed=0.7),
            Language(code="xc", consonants="fhjnwz", vowels="eiu", borrowed=0.5),
            Language(code="xd", consonants="cqtxyz", vowels="aiy", borrowed=0.3, verb_final=True),
        )
    }
)


@cache
def lexicon(code: str) -> Mapping[str, str]:
    """Concept to word in language `code`."""
    language = LANGUAGES[code]
    draw = stream("lexicon", code)
    syllables = [c + v for c in language.consonants for v in language.vowels]
    forms = sorted({a + b + c for a in syllables for b in syllables for c in ("", language.consonants[0])})
    own = [forms[i] for i in draw.permutation(len(forms))]
    words = dict(zip((*FUNCTION_CONCEPTS, *CONTENT_CONCEPTS), own, strict=False)) | dict(PUNCTUATION)
    if code != TRAINING_LANGUAGE:
        count = round(language.borrowed * len(CONTENT_CONCEPTS))
        loans = [CONTENT_CONCEPTS[i] for i in draw.permutation(len(CONTENT_CONCEPTS))[:count]]
        words |= {concept: lexicon(TRAINING_LANGUAGE)[concept] for concept in loans}
    return MappingProxyType(words)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of every language once, sorted."""
    return tuple(sorted({word for code in LANGUAGES for word in lexicon(code).values()}))

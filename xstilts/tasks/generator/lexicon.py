"""The lexicon: concepts, and the word each language has for them.

A concept is a text such as `noun.17`, with its class before the dot. Every language has exactly one
word for every concept. Languages share words only by borrowing: a language takes a share of its
content words unchanged from the training language, and makes the others from its own syllables,
which no other language has. Function words are never borrowed; punctuation is common to all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from xstilts.spec.seeds import named_stream

CLASS_SIZES: Mapping[str, int] = MappingProxyType(
    {"noun": 32, "verb": 12, "adjective": 12, "adverb": 6}
)
"""Number of content words of each class."""
CONTENT_CONCEPTS = tuple(f"{name}.{i}" for name, size in CLASS_SIZES.items() for i in range(size))
FUNCTION_CONCEPTS = (
    "marker.agent",
    "marker.patient",
    "marker.place",
    "conjunction.and",
    "question.agent",
    "question.patient",
    "question.place",
)
PUNCTUATION: Mapping[str, str] = MappingProxyType(
    {"sign.stop": ".", "sign.ask": "?", "sign.gloss": "="}
)
"""The same in every language; `=` stands between a sentence and its translation in raw text."""
TRAINING_LANGUAGE = "xa"


@dataclass(frozen=True, kw_only=True)
class Language:
    """One member of the family. No two have a consonant in common."""

    code: str
    consonants: str
    vowels: str
    borrowed: float
    """Share of the content words that are the training language's own."""
    verb_final: bool = False
    """Verb last and adjectives after nouns; otherwise the verb is between its phrases and
    adjectives are before nouns.
    """


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.code: language
        for language in (
            Language(code="xa", consonants="bdglmn", vowels="aei", borrowed=1.0),
            Language(code="xb", consonants="kprstv", vowels="aou", borrowed=0.7),
            Language(code="xc", consonants="fhjwz", vowels="eiu", borrowed=0.5),
            Language(code="xd", consonants="cqxy", vowels="aiou", borrowed=0.3, verb_final=True),
        )
    }
)


@cache
def lexicon(code: str) -> Mapping[str, str]:
    """Concept to word in language `code`."""
    language = LANGUAGES[code]
    draw = named_stream("lexicon", code)
    syllables = [c + v for c in language.consonants for v in language.vowels]
    forms = [a + b + c for a in syllables for b in syllables for c in ("", language.consonants[0])]
    concepts = (*FUNCTION_CONCEPTS, *CONTENT_CONCEPTS)
    words = {
        c: forms[i] for c, i in zip(concepts, draw.permutation(len(forms)), strict=False)
    } | dict(PUNCTUATION)
    if code != TRAINING_LANGUAGE:
        count = round(language.borrowed * len(CONTENT_CONCEPTS))
        loans = [CONTENT_CONCEPTS[i] for i in draw.permutation(len(CONTENT_CONCEPTS))[:count]]
        words |= {concept: lexicon(TRAINING_LANGUAGE)[concept] for concept in loans}
    return MappingProxyType(words)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of every language once, sorted."""
    return tuple(sorted({word for code in LANGUAGES for word in lexicon(code).values()}))

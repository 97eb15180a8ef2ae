"""Raw text, on which a tiny model must be pretrained before it can transfer anything.

Four sorts of lines about the same events:

    plain        a sentence
    mixed        a sentence, each word in one of two languages by chance
    interlinear  a sentence, each word followed by its translation
    parallel     a sentence, `=`, its translation in that language's own order (TLM; Conneau and
                 Lample 2019)

Plain text alone would leave the languages apart. From interlinear lines a model learns within a few
hundred steps to predict a masked word from its neighbour: first borrowed words, which are their own
translation, then all others. Parallel lines then teach it to find a word in another sentence by
meaning. All lines are statements: question words occur only in the tasks. Development and test
lines tell of the events that are kept for them (`grammar.py`).
"""

from __future__ import annotations

from numpy.random import RandomState

from xstilts.spec.seeds import named_stream
from xstilts.tasks.generator.grammar import draw_clauses, say, written
from xstilts.tasks.generator.lexicon import LANGUAGES, PUNCTUATION, lexicon

SORTS = ("plain", "mixed", "interlinear", "parallel")
SHARES = (0.1, 0.1, 0.45, 0.35)
"""Shares of the sorts, in their order."""


def text(language: str, count: int = 4000, use: str = "train", name: str = "gen-text") -> list[str]:
    """`count` lines in `language`, many of them together with one of the other languages."""
    draw = named_stream(name, use, language)
    return [_line(draw, language, use != "train") for _ in range(count)]


def _line(draw: RandomState, language: str, kept: bool) -> str:
    sort = SORTS[int(draw.choice(len(SORTS), p=SHARES))]
    others = [code for code in LANGUAGES if code != language]
    other = others[int(draw.randint(len(others)))]
    count = 2 if sort in ("plain", "mixed") and draw.randint(2) else 1
    clauses = draw_clauses(draw, count, kept=kept)
    if sort == "plain":
        return written(clauses, language)
    if sort == "parallel":
        return f"{written(clauses, language)} {PUNCTUATION['sign.gloss']} {written(clauses, other)}"
    tables = (lexicon(language), lexicon(other))
    concepts = [word.concept for word in say(clauses, language)]
    if sort == "mixed":
        return " ".join(tables[int(draw.randint(2))][concept] for concept in concepts)
    pairs = [tables[side][concept] for concept in concepts[:-1] for side in (0, 1)]
    return " ".join([*pairs, tables[0][concepts[-1]]])

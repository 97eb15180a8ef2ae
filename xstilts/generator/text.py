"""Raw text: what a tiny model must read before it can transfer anything.

Three sorts of lines. *Plain*: a sentence. *Parallel*: a sentence, `=`, and its translation (as translation
language modelling joins them; Conneau and Lample 2019), so that a masked word can be read off the other
side. *Mixed*: a sentence in which each word is in one of two languages by chance, so that words of one
meaning share their neighbours. The latter two align the languages; plain text alone would not.
"""

from __future__ import annotations

from xstilts.generator.draw import stream
from xstilts.generator.grammar import Draw, draw_clauses, say, spell
from xstilts.generator.languages import LANGUAGES, lexicon

import os
SHARES = eval(os.environ.get("SH","(0.2,0.0,0.3,0.5,0)"))


def lines(use: str, language: str, count: int) -> list[str]:
    """`count` lines around `language`, one text each."""
    draw = stream("text", use, language)
    return [_line(draw, language) for _ in range(count)]


def _line(draw: Draw, language: str) -> str:
    sort = int(draw.choice(5, p=SHARES))
    clauses = draw_clauses(draw, 1 + int(draw.randint(2)) * (sort in (0,2)))
    others = [code for code in LANGUAGES if code != language]
    other = others[draw.randint(len(others))]
    words = say(clauses, language)
    tables = (lexicon(language), lexicon(other))
    if sort == 0:
        return " ".join(spell(words, language))
    if sort == 1:
        sides = [" ".join(spell(say(clauses, code), code)) for code in (language, other)]
        return f" {lexicon(language)['sign.gloss']} ".join(sides)
    if sort == 2:
        return " ".join(tables[draw.randint(2)][word.concept] for word in words)
    if sort == 3:
        return " ".join(w for word in words[:-1] for w in (tables[0][word.concept], tables[1][word.concept])) + " ."
    picks = [words[i].concept for i in draw.permutation(len(words))[:4]]
    return " ".join(w for c in picks for w in (tables[0][c], "=", tables[1][c],"."))

"""Rows of the tasks: for each task a function from a random stream and a language to one row, whose
events are `kept` for evaluation or not (`grammar.py`).

Test rows are parallel, with the same meanings in every language, so that scores differ only by
language. Training and development rows differ between languages. No row occurs twice in a split,
and no sentence, context or question to be paired of a development or test row is also in a training
row of any task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from numpy.random import RandomState

from xstilts.errors import DataError
from xstilts.spec.seeds import named_stream
from xstilts.tasks.generator.grammar import (
    Clause,
    Word,
    answer,
    ask,
    draw_clauses,
    say,
    spell,
    written,
)
from xstilts.tasks.generator.lexicon import LANGUAGES, TRAINING_LANGUAGE, lexicon
from xstilts.tasks.generator.raw_text import text

Row = dict[str, Any]
ROLES = ("agent", "patient", "place")
CIPHERS = tuple(f"C{i}" for i in range(8))
"""Tags of gen-cipher."""


# -- targets


def _tags(draw: RandomState, language: str, kept: bool) -> Row:
    words = say(draw_clauses(draw, 1 + int(draw.randint(2)), kept=kept), language)
    return {"tokens": spell(words, language), "tags": [word.tag for word in words]}


def _fits(draw: RandomState, language: str, kept: bool) -> Row:
    """The answer is about another event, so only its role decides."""
    clause, other, role = _asked(draw, kept)
    fits = bool(draw.randint(2))
    answered = role if fits else [r for r in ROLES if r != role][int(draw.randint(2))]
    return {
        "text": " ".join(spell(ask(clause, language, role), language)),
        "text_pair": " ".join(spell(answer(other, language, answered), language)),
        "label": "yes" if fits else "no",
    }


def _asked(draw: RandomState, kept: bool) -> tuple[Clause, Clause, str]:
    """Two clauses and the role that a question about the first asks for. A question hides a part of
    its event, so it may be that of a training row although the event is not: then other clauses are
    drawn, under the same role, so that all roles are asked for equally often.
    """
    role = ROLES[int(draw.randint(len(ROLES)))]
    while True:
        clause, other = draw_clauses(draw, 2, kept=kept, always_place=True)
        if not kept or not _is_trained(clause, role):
            return clause, other, role


def _is_trained(clause: Clause, role: str) -> bool:
    """Whether gen-fits has the question in its training rows, in any language."""
    return any(
        " ".join(spell(ask(clause, code, role), code)) in _trained_questions(code)
        for code in LANGUAGES
    )


@cache
def _trained_questions(language: str) -> frozenset[str]:
    return frozenset(rows("gen-fits", "train", language)["text"])


def _parallel(draw: RandomState, language: str, kept: bool) -> Row:
    clauses = draw_clauses(draw, 1, kept=kept)
    return {
        "source_sentence": written(clauses, language),
        "target_sentence": written(clauses, TRAINING_LANGUAGE),
    }


def _who(draw: RandomState, language: str, kept: bool) -> Row:
    return _question(draw, language, kept, ROLES[:2])


def _choice(draw: RandomState, language: str, kept: bool) -> Row:
    clauses = draw_clauses(draw, 3, kept=kept)
    number = int(draw.randint(3))
    choices = [written([clause.bare], language) for clause in clauses]
    return {"context": written([clauses[number]], language), "choices": choices, "label": number}


# -- intermediates


def _cipher(draw: RandomState, language: str, kept: bool) -> Row:
    words = say(draw_clauses(draw, 1 + int(draw.randint(2)), kept=kept), language)
    return {
        "tokens": spell(words, language),
        "tags": [_code(language)[word.concept] for word in words],
    }


def _reading(draw: RandomState, language: str, kept: bool) -> Row:
    return _question(draw, language, kept, ROLES)


# -- what several tasks need


def _question(draw: RandomState, language: str, kept: bool, roles: tuple[str, ...]) -> Row:
    (clause,) = draw_clauses(draw, 1, kept=kept, always_place="place" in roles)
    role = roles[int(draw.randint(len(roles)))]
    words = say([clause], language)
    tokens = spell(words, language)
    first, last = _phrase_span(words, role)
    return {
        "question": " ".join(spell(ask(clause, language, role), language)),
        "context": " ".join(tokens),
        "answers": {
            "text": [" ".join(tokens[first : last + 1])],
            "answer_start": [len(" ".join([*tokens[:first], ""]))],
        },
    }


def _phrase_span(words: list[Word], role: str) -> tuple[int, int]:
    """First and last word of the phrase in `role` of a single clause, without its marker."""
    first = 1 + next(i for i, word in enumerate(words) if word.concept == f"marker.{role}")
    two = {word.tag for word in words[first : first + 2]} == {"ADJ", role.upper()}
    return first, first + two


@cache
def _code(language: str) -> Mapping[str, str]:
    """The arbitrary class of every concept, different in each language."""
    draw = named_stream("gen-cipher", "code", language)
    return {concept: CIPHERS[int(draw.randint(len(CIPHERS)))] for concept in lexicon(language)}


# -- the table

_MAKERS: Mapping[str, Callable[[RandomState, str, bool], Row]] = MappingProxyType(
    {
        "gen-tags": _tags,
        "gen-fits": _fits,
        "gen-parallel": _parallel,
        "gen-who": _who,
        "gen-choice": _choice,
        "gen-cipher": _cipher,
        "gen-reading": _reading,
    }
)
SIZES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "gen-text": {"train": 4000, "dev": 100, "test": 300},
        "gen-more": {"train": 2000, "dev": 100, "test": 300},
        "gen-tags": {"train": 50, "dev": 200, "test": 300},
        "gen-fits": {"train": 200, "dev": 200, "test": 300},
        "gen-parallel": {"test": 300},
        "gen-who": {"train": 24, "dev": 200, "test": 300},
        "gen-choice": {"train": 200, "dev": 200, "test": 300},
        "gen-cipher": {"train": 1500, "dev": 100, "test": 300},
        "gen-reading": {"train": 6000, "dev": 200, "test": 300},
    }
)
"""Task to split to its number of rows in each language."""


def size(name: str, use: str, language: str) -> int:
    """Number of rows of a split, without making them; DataError if there is none."""
    _check(name, use, language)
    return SIZES[name][use]


def rows(name: str, use: str, language: str) -> dict[str, list[Any]]:
    """One split of task `name` in `language`, as columns by role; DataError if there is none."""
    _check(name, use, language)
    count = SIZES[name][use]
    if name not in _MAKERS:
        return {"text": text(language, count, use, name)}
    draw = named_stream(name, use) if use == "test" else named_stream(name, use, language)
    seen: dict[str, Row] = {}
    while len(seen) < count:
        row = _MAKERS[name](draw, language, use != "train")
        seen.setdefault(repr(row), row)
    made = list(seen.values())
    columns = {role: [row[role] for row in made] for role in made[0]}
    if "question" in columns:
        columns = {"id": [f"{name}-{use}-{i}" for i in range(count)], **columns}
    return columns


def _check(name: str, use: str, language: str) -> None:
    for what, given, known in (
        ("task", name, SIZES),
        ("split", use, SIZES.get(name, {})),
        ("language", language, LANGUAGES),
    ):
        if given not in known:
            raise DataError(
                f"generator {name}: {what} is {given!r}; must be one of {', '.join(known)}"
            )

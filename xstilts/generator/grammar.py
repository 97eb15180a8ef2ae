"""Meanings, and how a language says them.

A *clause* is an event: a verb, who does it (agent), to whom (patient), and sometimes where and how. It
is drawn without any language. Verbs, adjectives and kinds of nouns prefer one another, which gives raw
text its statistics: a word's neighbours tell its kind.

    xa, xb, xc   agent-marker (adjective) noun  verb  patient-marker (adjective) noun  (adverb)  (place-marker noun)
    xd           (noun place-marker)  noun (adjective) agent-marker  noun (adjective) patient-marker  (adverb)  verb

Clauses of one sentence are joined by a conjunction; a question has a question word for a phrase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from functools import cache
from xstilts.generator.draw import stream

from xstilts.generator.languages import CLASS_SIZES, LANGUAGES, lexicon

Draw = np.random.RandomState
import os
SHARPNESS = float(os.environ.get('SHARP','2'))
"""Spread of the logarithm of an affinity."""


@dataclass(frozen=True)
class Phrase:
    """A noun, perhaps with an adjective."""

    noun: int
    adjective: int | None = None


@dataclass(frozen=True)
class Clause:
    """One event; `agent` or `patient` None: it is asked for."""

    verb: int
    agent: Phrase | None
    patient: Phrase | None
    place: Phrase | None = None
    adverb: int | None = None


@dataclass(frozen=True)
class Word:
    """A word in its place: what it means and what it does there."""

    concept: str
    tag: str
    clause: int
    """Which clause of the sentence it belongs to."""


@cache
def affinity(left: str, right: str, role: str) -> np.ndarray:
    """How well each word of class `right` goes with each of class `left` in a role: weights, log-normal."""
    shape = (CLASS_SIZES[left], CLASS_SIZES[right])
    return np.exp(SHARPNESS * stream("affinity", left, right, role).standard_normal(shape))


def _pick(draw: Draw, weights: np.ndarray, taken: set[int]) -> int:
    weights = weights.copy()
    weights[list(taken)] = 0
    chosen = int(np.searchsorted(np.cumsum(weights), draw.random_sample() * weights.sum(), side="right"))
    taken.add(chosen)
    return chosen


def _phrase(draw: Draw, verb: int, role: str, taken: set[int]) -> Phrase:
    noun = _pick(draw, affinity("verb", "noun", role)[verb], taken)
    if draw.random_sample() < 0.5:
        return Phrase(noun)
    return Phrase(noun, _pick(draw, affinity("noun", "adjective", "")[noun], set()))


def draw_clause(draw: Draw, taken: set[int], verbs: set[int]) -> Clause:
    """A clause whose nouns and verb are none of `taken` and `verbs`; adds its own to them."""
    verb = _pick(draw, np.ones(CLASS_SIZES["verb"]), verbs)
    agent = _phrase(draw, verb, "agent", taken)
    patient = _phrase(draw, verb, "patient", taken)
    place = Phrase(_pick(draw, affinity("verb", "noun", "place")[verb], taken)) if draw.random_sample() < 0.3 else None
    adverb = _pick(draw, affinity("verb", "adverb", "")[verb], set()) if draw.random_sample() < 0.3 else None
    return Clause(verb, agent, patient, place, adverb)


def draw_clauses(draw: Draw, count: int) -> tuple[Clause, ...]:
    """`count` clauses that share no noun and no verb."""
    taken: set[int] = set()
    verbs: set[int] = set()
    return tuple(draw_clause(draw, taken, verbs) for _ in range(count))


def _say_phrase(phrase: Phrase | None, role: str, final: bool, at: int) -> list[Word]:
    marker = Word(f"marker.{role}", "MARK", at)
    if phrase is None:
        words = [Word(f"question.{role}", "ASK", at)]
    else:
        words = [Word(f"noun.{phrase.noun}", role.upper(), at)]
        if phrase.adjective is not None:
            adjective = Word(f"adjective.{phrase.adjective}", "ADJ", at)
            words = [*words, adjective] if final else [adjective, *words]
    return [marker, *words]


def say_clause(clause: Clause, language: str, at: int = 0) -> list[Word]:
    """The clause's words in the order of `language`."""
    final = LANGUAGES[language].verb_final
    agent = _say_phrase(clause.agent, "agent", final, at)
    patient = _say_phrase(clause.patient, "patient", final, at)
    place = _say_phrase(clause.place, "place", final, at) if clause.place is not None else []
    adverb = [Word(f"adverb.{clause.adverb}", "ADV", at)] if clause.adverb is not None else []
    verb = [Word(f"verb.{clause.verb}", "VERB", at)]
    if final:
        return [*place, *agent, *patient, *adverb, *verb]
    return [*agent, *verb, *patient, *adverb, *place]


def say(clauses: tuple[Clause, ...], language: str, sign: str = "stop") -> list[Word]:
    """A sentence of one or more clauses, its closing sign included."""
    words: list[Word] = []
    for at, clause in enumerate(clauses):
        joint = [Word("conjunction.and", "CONJ", at)] if at else []
        words += [*joint, *say_clause(clause, language, at)]
    return [*words, Word(f"sign.{sign}", "SIGN", len(clauses) - 1)]


def spell(words: list[Word], language: str) -> list[str]:
    """The words as they are written in `language`."""
    table = lexicon(language)
    return [table[word.concept] for word in words]

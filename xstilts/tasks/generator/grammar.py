"""Meanings, and how a language says them.

A *clause* is an event: a verb, who does it (agent), to whom (patient), and sometimes where and how.
It is drawn without any language. A table of log-normal weights, drawn once, says how well two words
go together: no two nouns prefer the same verbs and adjectives, so a word's neighbours show what it
means, in every language alike (Harris 1954). If words were interchangeable, a model
could not learn their meanings.

    xa, xb, xc   AGENT (adjective) noun  verb  PATIENT (adjective) noun  (adverb)  (PLACE noun)
    xd           (PLACE noun)  AGENT noun (adjective)  PATIENT noun (adjective)  (adverb)  verb

Words in capitals are markers, small words before a phrase that say its role. Clauses of one
sentence are joined by a conjunction; a question has a question word in place of the phrase it asks
for.

Some *events* (a verb, who does it, to whom) are kept for development and test rows. No training row
of any task tells of one, in any language: so no sentence that is scored has been trained on,
whatever tasks were trained before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.random import RandomState

from xstilts.spec.seeds import named_stream
from xstilts.tasks.generator.lexicon import CLASS_SIZES, LANGUAGES, lexicon

TAGS = ("AGENT", "PATIENT", "PLACE", "VERB", "ADJ", "ADV", "MARK", "CONJ", "SIGN")
"""Tags of the words of a statement; nouns are tagged by the role of their phrase."""
SHARPNESS = 2.0
"""Standard deviation of a weight's logarithm; the higher, the fewer words a word goes with."""
KEPT = 0.25
"""Share of the events that are kept for development and test rows."""

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Phrase:
    """A noun, perhaps with an adjective; numbers within their classes."""

    noun: int
    adjective: int | None = None


@dataclass(frozen=True)
class Clause:
    """One event."""

    verb: int
    agent: Phrase
    patient: Phrase
    place: Phrase | None = None
    adverb: int | None = None

    @property
    def bare(self) -> Clause:
        """Verb, agent and patient alone, without adjectives."""
        return Clause(self.verb, Phrase(self.agent.noun), Phrase(self.patient.noun))


@dataclass(frozen=True)
class Word:
    """A word in its place: what it means and what it does there."""

    concept: str
    tag: str


# -- meanings


@cache
def affinity(left: str, right: str, role: str) -> Array:
    """Weights, with a row for each word of class `left` and a column for each of class `right`."""
    shape = (CLASS_SIZES[left], CLASS_SIZES[right])
    return np.exp(SHARPNESS * named_stream("affinity", left, right, role).standard_normal(shape))


def pick(draw: RandomState, weights: Array, but: Collection[int] = ()) -> int:
    """A number drawn by weight, but none of `but`."""
    left = weights.copy()
    left[list(but)] = 0
    edges = np.cumsum(left)
    return int(np.searchsorted(edges, draw.random_sample() * edges[-1], side="right"))


def _phrase(draw: RandomState, verb: int, role: str, but: Collection[int]) -> Phrase:
    noun = pick(draw, affinity("verb", "noun", role)[verb], but)
    if draw.random_sample() < 0.5:
        return Phrase(noun)
    return Phrase(noun, pick(draw, affinity("noun", "adjective", "")[noun]))


@cache
def _kept() -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether an event is kept for development and test rows, by verb, agent and patient."""
    shape = (CLASS_SIZES["verb"], CLASS_SIZES["noun"], CLASS_SIZES["noun"])
    return named_stream("kept events").random_sample(shape) < KEPT


def is_kept(clause: Clause) -> bool:
    """Whether the clause's event is kept for development and test rows."""
    return bool(_kept()[clause.verb, clause.agent.noun, clause.patient.noun])


def _event(draw: RandomState, verb: int, but: Collection[int], kept: bool) -> tuple[Phrase, Phrase]:
    """Agent and patient of a verb, of an event that is kept or of one that is not."""
    while True:
        agent = _phrase(draw, verb, "agent", but)
        patient = _phrase(draw, verb, "patient", {*but, agent.noun})
        if is_kept(Clause(verb, agent, patient)) == kept:
            return agent, patient


def draw_clauses(
    draw: RandomState, count: int, *, kept: bool, always_place: bool = False
) -> tuple[Clause, ...]:
    """`count` clauses that share no noun and no verb, all of `kept` events or none."""
    nouns: set[int] = set()
    verbs: set[int] = set()
    clauses = []
    for _ in range(count):
        verb = pick(draw, np.ones(CLASS_SIZES["verb"]), verbs)
        agent, patient = _event(draw, verb, nouns, kept)
        nouns |= {agent.noun, patient.noun}
        place = adverb = None
        if draw.random_sample() < 0.3 or always_place:
            place = Phrase(pick(draw, affinity("verb", "noun", "place")[verb], nouns))
            nouns.add(place.noun)
        if draw.random_sample() < 0.3:
            adverb = pick(draw, affinity("verb", "adverb", "")[verb])
        verbs.add(verb)
        clauses.append(Clause(verb, agent, patient, place, adverb))
    return tuple(clauses)


# -- sentences


def _say_phrase(phrase: Phrase | None, role: str, asked: bool, final: bool) -> list[Word]:
    if phrase is None:
        return []
    marker = Word(f"marker.{role}", "MARK")
    if asked:
        return [marker, Word(f"question.{role}", "ASK")]
    words = [Word(f"noun.{phrase.noun}", role.upper())]
    if phrase.adjective is not None:
        words.insert(1 if final else 0, Word(f"adjective.{phrase.adjective}", "ADJ"))
    return [marker, *words]


def say_clause(clause: Clause, language: str, asked: str | None = None) -> list[Word]:
    """The clause's words in the order of `language`; `asked` is the role a question asks for."""
    final = LANGUAGES[language].verb_final
    roles = {"agent": clause.agent, "patient": clause.patient, "place": clause.place}
    agent, patient, place = (
        _say_phrase(phrase, role, role == asked, final) for role, phrase in roles.items()
    )
    adverb = [Word(f"adverb.{clause.adverb}", "ADV")] if clause.adverb is not None else []
    verb = [Word(f"verb.{clause.verb}", "VERB")]
    if final:
        return [*place, *agent, *patient, *adverb, *verb]
    return [*agent, *verb, *patient, *adverb, *place]


def say(clauses: Sequence[Clause], language: str) -> list[Word]:
    """A statement of one or more clauses, its full stop included."""
    words = say_clause(clauses[0], language)
    for clause in clauses[1:]:
        words += [Word("conjunction.and", "CONJ"), *say_clause(clause, language)]
    return [*words, Word("sign.stop", "SIGN")]


def ask(clause: Clause, language: str, role: str) -> list[Word]:
    """The question for the phrase in `role` of `clause`; the rest is stated briefly."""
    brief = replace(clause.bare, place=clause.place) if role == "place" else clause.bare
    return [*say_clause(brief, language, role), Word("sign.ask", "SIGN")]


def answer(clause: Clause, language: str, role: str) -> list[Word]:
    """The phrase in `role` of `clause`, with its marker, as a sentence."""
    phrases = {"agent": clause.agent, "patient": clause.patient, "place": clause.place}
    words = _say_phrase(phrases[role], role, False, LANGUAGES[language].verb_final)
    return [*words, Word("sign.stop", "SIGN")]


def spell(words: Iterable[Word], language: str) -> list[str]:
    """The words as they are written in `language`."""
    table = lexicon(language)
    return [table[word.concept] for word in words]


def written(clauses: Sequence[Clause], language: str) -> str:
    """A statement as text."""
    return " ".join(spell(say(clauses, language), language))

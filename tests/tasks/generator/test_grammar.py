"""Clauses, said in the order of each language."""

from __future__ import annotations

from xstilts.spec.seeds import named_stream
from xstilts.tasks.generator import grammar


def test_clause_is_said_in_the_order_of_each_language() -> None:
    phrase = grammar.Phrase
    clause = grammar.Clause(1, phrase(2, 3), phrase(4), phrase(5), 0)
    tags = {code: [word.tag for word in grammar.say_clause(clause, code)] for code in ("xa", "xd")}
    assert tags["xa"] == ["MARK", "ADJ", "AGENT", "VERB", "MARK", "PATIENT", "ADV", "MARK", "PLACE"]
    assert tags["xd"] == ["MARK", "PLACE", "MARK", "AGENT", "ADJ", "MARK", "PATIENT", "ADV", "VERB"]


def test_clauses_of_a_sentence_share_no_noun_and_no_verb() -> None:
    draw = named_stream("test")
    for _ in range(200):
        clauses = grammar.draw_clauses(draw, 3, kept=False, always_place=True)
        nouns = [p.noun for c in clauses for p in (c.agent, c.patient, c.place) if p is not None]
        assert len(set(nouns)) == 9
        assert len({clause.verb for clause in clauses}) == 3


def test_events_are_kept_for_evaluation_or_told_in_training_and_never_both() -> None:
    def events(kept: bool) -> set[tuple[int, int, int]]:
        draw = named_stream("test", str(kept))
        clauses = [c for _ in range(300) for c in grammar.draw_clauses(draw, 2, kept=kept)]
        assert {grammar.is_kept(clause) for clause in clauses} == {kept}
        return {(c.verb, c.agent.noun, c.patient.noun) for c in clauses}

    told, kept = events(False), events(True)
    assert told.isdisjoint(kept)
    assert {verb for verb, _, _ in told} == {verb for verb, _, _ in kept} == set(range(12))


def test_adjectives_place_and_adverb_do_not_change_where_an_event_belongs() -> None:
    phrase = grammar.Phrase
    bare = grammar.Clause(1, phrase(2), phrase(4))
    full = grammar.Clause(1, phrase(2, 3), phrase(4, 0), phrase(5), 0)
    assert grammar.is_kept(bare) == grammar.is_kept(full)

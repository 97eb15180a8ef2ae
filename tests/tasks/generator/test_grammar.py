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
        clauses = grammar.draw_clauses(draw, 3, always_place=True)
        nouns = [p.noun for c in clauses for p in (c.agent, c.patient, c.place) if p is not None]
        assert len(set(nouns)) == 9
        assert len({clause.verb for clause in clauses}) == 3

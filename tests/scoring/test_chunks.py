from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from seqeval.metrics import f1_score

from xstilts.scoring import chunks
from xstilts.scoring.chunks import after_first, last_part

ENTITIES = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
SPEECH = (
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
)
ODD = (
    "N/N",
    "(S\\NP)/NP",
    ",",
    ".",
    "conj",
    "B-a-b",
    "I-a-b",
    "E-x",
    "S-x",
    "O",
    "nmod:poss",
    "-",
    "B",
)


def f1(gold: list[list[str]], guess: list[list[str]], type_of: Any) -> float:
    both, guessed, true = np.array(list(chunks.agreement(gold, guess, type_of))).sum(axis=0)
    return float(2 * both / (guessed + true)) if guessed + true else 0.0


@pytest.mark.parametrize(
    ("tag", "old", "new"),
    [
        ("B-PER", "PER", "PER"),
        ("O", "O", "_"),
        ("NOUN", "NOUN", "OUN"),
        ("CCONJ", "CCONJ", "CONJ"),
        ("SCONJ", "SCONJ", "CONJ"),
        ("X", "X", "_"),
        ("B-a-b", "b", "a-b"),
    ],
)
def test_type_of_a_tag_differs_between_the_releases(tag: str, old: str, new: str) -> None:
    assert (last_part(tag), after_first(tag)) == (old, new)


@pytest.mark.parametrize("type_of", [last_part, after_first])
def test_chunks_of_entities_are_the_same_in_both(type_of: Any) -> None:
    tags = ["B-PER", "I-PER", "I-ORG", "O", "I-LOC", "B-LOC", "B-LOC", "I-LOC"]
    # I-ORG after a person opens a chunk; so does I-LOC after O; each B does
    found = [("PER", 0, 1), ("ORG", 2, 2), ("LOC", 4, 4), ("LOC", 5, 5), ("LOC", 6, 7)]
    assert chunks.chunks(tags, type_of) == found


def test_chunks_of_speech_are_runs_of_one_tag() -> None:
    tags = ["NOUN", "NOUN", "VERB", "INTJ", "INTJ", "PUNCT"]
    assert chunks.chunks(tags, last_part) == [
        ("NOUN", 0, 1),
        ("VERB", 2, 2),
        ("INTJ", 3, 4),
        ("PUNCT", 5, 5),
    ]


def test_chunks_tags_that_begin_with_s_are_single_words() -> None:
    assert chunks.chunks(["SYM", "SYM"], last_part) == [("SYM", 0, 0), ("SYM", 1, 1)]
    # 1.2.2 ends a chunk after the S, opens none at the C of its own type, and so counts the first
    # word twice
    assert chunks.chunks(["SCONJ", "CCONJ"], after_first) == [("CONJ", 0, 0), ("CONJ", 0, 1)]


def test_f1_of_swapped_conjunctions_is_half_in_one_release_and_whole_in_the_other() -> None:
    gold, guess = [["CCONJ", "NOUN"]], [["SCONJ", "NOUN"]]
    # 0.0.12: NOUN of 2 and 2 agrees; 1.2.2: CONJ at 0 and OUN at 1 agree
    assert f1(gold, guess, last_part) == 0.5
    assert f1(gold, guess, after_first) == 1.0


def test_agreement_of_a_first_x_reaches_into_the_sentence_before_in_the_later_release() -> None:
    # Joined: NOUN VERB O X NOUN O. Under 1.2.2 the X opens nothing: its chunk runs from where VERB
    # began, 1 to 3, and is counted in the second sentence. With NOUN NOUN predicted it begins at 0:
    # no agreement there.
    gold, guess = [["NOUN", "VERB"], ["X", "NOUN"]], [["NOUN", "NOUN"], ["X", "NOUN"]]
    assert list(chunks.agreement(gold, gold, after_first)) == [(2, 2, 2), (2, 2, 2)]
    assert list(chunks.agreement(gold, guess, after_first)) == [(0, 1, 2), (1, 2, 2)]
    assert list(chunks.agreement(gold, guess, last_part)) == [(0, 1, 2), (2, 2, 2)]


def test_chunks_x_before_an_end_is_lost_in_the_later_release() -> None:
    assert chunks.chunks(["NOUN", "X"], last_part) == [("NOUN", 0, 0), ("X", 1, 1)]
    assert chunks.chunks(["NOUN", "X"], after_first) == [("OUN", 0, 0)]


def test_agreement_of_empty_sentences_is_nothing() -> None:
    assert list(chunks.agreement([[], ["O"]], [[], ["O"]], last_part)) == [(0, 0, 0), (0, 0, 0)]
    assert list(chunks.agreement([], [], last_part)) == []


@pytest.mark.parametrize("labels", [ENTITIES, SPEECH, ODD], ids=["entities", "speech", "odd"])
@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@pytest.mark.parametrize("seed", range(5))
def test_f1_after_first_is_that_of_seqeval_1_2_2(labels: tuple[str, ...], seed: int) -> None:
    if version("seqeval") != "1.2.2":
        pytest.skip("another seqeval is installed")
    rng = np.random.default_rng(seed)
    gold = [[str(t) for t in rng.choice(labels, size)] for size in rng.integers(0, 7, 200)]
    guess = [[t if rng.random() < 0.7 else str(rng.choice(labels)) for t in tags] for tags in gold]
    assert f1(gold, guess, after_first) == pytest.approx(f1_score(gold, guess), abs=1e-12)
    if labels == ENTITIES:
        assert f1(gold, guess, last_part) == f1(gold, guess, after_first)

from __future__ import annotations

import warnings
from importlib.metadata import version
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from seqeval.metrics import f1_score

from xstilts.scoring import chunks
from xstilts.scoring.chunks import (
    after_first,
    bare,
    last_part,
    prefixed,
    reading_of,
    unprefixed_tags,
)
from xstilts.spec.task import UNSEEN
from xstilts.tasks import TASKS

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


def f1(gold: list[list[str]], guess: list[list[str]], read: Any) -> float:
    both, guessed, true = np.array(list(chunks.agreement(gold, guess, read))).sum(axis=0)
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
    assert (last_part(tag).kind, after_first(tag).kind) == (old, new)


@pytest.mark.parametrize("read", [last_part, after_first, prefixed])
def test_chunks_of_entities_are_the_same_under_all_rules(read: Any) -> None:
    tags = ["B-PER", "I-PER", "I-ORG", "O", "I-LOC", "B-LOC", "B-LOC", "I-LOC"]
    # I-ORG after a person opens a chunk; so does I-LOC after O; each B does
    found = [("PER", 0, 1), ("ORG", 2, 2), ("LOC", 4, 4), ("LOC", 5, 5), ("LOC", 6, 7)]
    assert chunks.chunks(tags, read) == found


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
        for read in (last_part, prefixed):
            assert f1(gold, guess, read) == f1(gold, guess, after_first)


# -- which rule a table has


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (SPEECH, last_part),
        (("NOUN", "VERB", UNSEEN), last_part),
        (ENTITIES, prefixed),
        ((*SPEECH, "_"), prefixed),
        (("O", "B-a-b", "I-a-b"), prefixed),
        (("AGENT", "SIGN"), prefixed),
        (("B", "I", "O"), bare),
        (("B", "M", "E", "S"), bare),
        (("B", "O", "ORG"), prefixed),
    ],
)
def test_reading_follows_the_table_of_labels(labels: tuple[str, ...], read: Any) -> None:
    assert reading_of(labels) is read


def test_universal_tags_are_those_of_the_benchmark() -> None:
    assert reading_of(TASKS["udpos"].labels) is reading_of(TASKS["udpos_r"].labels) is last_part
    assert reading_of(TASKS["panx"].labels) is reading_of(TASKS["conll2000"].labels) is prefixed


@pytest.mark.parametrize(
    ("tag", "place"),
    [
        ("B-PER", ("B", "PER")),
        ("I-person-other", ("I", "person-other")),
        ("M-x", ("I", "x")),
        ("L-x", ("E", "x")),
        ("U-x", ("S", "x")),
        ("W-x", ("S", "x")),
        ("O", ("O", "")),
        ("ORG", ("I", ("ORG",))),
        ("O-thing", ("I", ("O-thing",))),
        ("person-other", ("I", ("person-other",))),
        ("b-per", ("I", ("b-per",))),
        ("BB-x", ("I", ("BB-x",))),
        ("B-", ("I", ("B-",))),
        ("PER-B", ("I", ("PER-B",))),
    ],
)
def test_prefixed_tag_is_a_position_and_the_rest(tag: str, place: tuple[str, Any]) -> None:
    assert prefixed(tag) == place


def test_chunks_of_types_that_end_alike_are_apart() -> None:
    tags = ["B-person-other", "I-person-other", "I-place-other", "B-place-other", "O"]
    assert chunks.chunks(tags, prefixed) == [
        ("person-other", 0, 1),
        ("place-other", 2, 2),
        ("place-other", 3, 3),
    ]


def test_chunks_of_tags_without_positions_are_runs_that_merge_with_nothing() -> None:
    tags = ["ORG", "ORG", "O", "B-ORG", "ORG", "O-thing", "person-other", "place-other", "S", "S"]
    assert chunks.chunks(tags, prefixed) == [
        (("ORG",), 0, 1),
        ("ORG", 3, 3),
        (("ORG",), 4, 4),
        (("O-thing",), 5, 5),
        (("person-other",), 6, 6),
        (("place-other",), 7, 7),
        (("S",), 8, 9),
    ]
    assert f1([["B-ORG"]], [["ORG"]], prefixed) == 0.0


def test_chunks_of_positions_alone_have_one_type() -> None:
    assert chunks.chunks(["B", "I", "O", "B", "B", "I"], bare) == [
        ("", 0, 1),
        ("", 3, 3),
        ("", 4, 5),
    ]


@pytest.mark.parametrize("scheme", ["BIES", "BILU", "BMES", "BIEW"])
def test_chunks_are_equal_in_all_schemes_with_ends(scheme: str) -> None:
    begin, inside, end, single = scheme
    tags = [f"{begin}-x", f"{inside}-x", f"{end}-x", f"{single}-x", f"{single}-x", f"{begin}-y"]
    found = [("x", 0, 2), ("x", 3, 3), ("x", 4, 4), ("y", 5, 6)]
    assert chunks.chunks([*tags, f"{end}-y"], prefixed) == found


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (ENTITIES, ()),
        (SPEECH, ()),
        (("B", "I", "O"), ()),
        (("O", "PER", "ORG"), ("PER", "ORG")),
        (("O", "B-PER", "I-PER", "O-thing", UNSEEN), ("O-thing",)),
    ],
)
def test_unprefixed_tags_are_those_without_a_position(
    labels: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert unprefixed_tags(labels) == named


# -- against others' counts

TYPES = st.from_regex(r"[a-z]{1,2}(-[a-z]{1,2}){0,2}", fullmatch=True)


@st.composite
def two_taggings(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences with tags in B-, I-, O, whose types may have hyphens and end alike: gold, guess."""
    types = draw(st.lists(TYPES, min_size=1, max_size=3))
    tag = st.sampled_from(["O", *(f"{at}-{one}" for at in "BI" for one in types)])
    pairs = draw(st.lists(st.lists(st.tuples(tag, tag), max_size=7), min_size=1, max_size=4))
    return [[one for one, _ in pair] for pair in pairs], [[one for _, one in p] for p in pairs]


@given(two_taggings())
@settings(deadline=None, max_examples=100)
def test_f1_prefixed_is_that_of_seqeval_1_2_2_whatever_the_types(
    both: tuple[list[list[str]], list[list[str]]],
) -> None:
    gold, guess = both
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = float(f1_score(gold, guess))
    assert f1(gold, guess, prefixed) == pytest.approx(theirs, abs=1e-12)
    assert f1(gold, guess, prefixed) == pytest.approx(f1(gold, guess, after_first), abs=1e-12)


@given(st.lists(st.tuples(TYPES, st.integers(1, 4), st.integers(0, 2)), max_size=6))
@settings(deadline=None, max_examples=100)
def test_chunks_of_spans_written_with_ends_are_the_spans(
    spans: list[tuple[str, int, int]],
) -> None:
    tags: list[str] = []
    wanted = []
    for kind, length, gap in spans:
        wanted.append((kind, len(tags), len(tags) + length - 1))
        inner = [f"I-{kind}"] * (length - 2)
        tags += [f"S-{kind}"] if length == 1 else [f"B-{kind}", *inner, f"E-{kind}"]
        tags += ["O"] * gap
    assert chunks.chunks(tags, prefixed) == wanted


@given(st.lists(st.sampled_from(["ORG", "O", "a-b", "c-b", "SYM", "I", "O-x"]), max_size=12))
@settings(deadline=None, max_examples=100)
def test_chunks_of_plain_tags_are_their_runs(tags: list[str]) -> None:
    runs, at = [], 0
    for tag, run in groupby(tags):
        length = len(list(run))
        if tag != "O":
            runs.append(((tag,), at, at + length - 1))
        at += length
    assert chunks.chunks(tags, prefixed) == runs


@given(two_taggings())
@settings(deadline=None, max_examples=100)
def test_agreement_of_sentences_is_that_of_each_alone(
    both: tuple[list[list[str]], list[list[str]]],
) -> None:
    # so a bootstrap may draw sentences
    gold, guess = both
    alone = [next(chunks.agreement([g], [p], prefixed)) for g, p in zip(gold, guess, strict=True)]
    assert list(chunks.agreement(gold, guess, prefixed)) == alone

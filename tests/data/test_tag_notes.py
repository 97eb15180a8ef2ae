from __future__ import annotations

import pytest

from xstilts.data import tag_notes
from xstilts.spec.task import Source, Task


def tagging(*labels: str, metric: str = "chunk_f1") -> Task:
    return Task(
        name="ner",
        format="tagging",
        metric=metric,
        labels=labels,
        source=Source(files=("ner.{split}.conll",)),
    )


def test_unprefixed_names_the_tags_and_what_to_do() -> None:
    assert tag_notes.unprefixed(tagging("O", "B-LOC", "ORG", "PER", "place-other", "O-x")) == (
        "ner: chunk_f1 counts chunks, and ORG, PER, place-other and 1 more have no position such "
        "as B- or I-: a run of one tag counts as one chunk; give positions, or score by "
        "token_accuracy"
    )


@pytest.mark.parametrize(
    "task",
    [
        tagging("O", "B-person-other", "I-person-other"),
        tagging("NOUN", "VERB", "X"),
        tagging("ORG", "PER", metric="token_accuracy"),
    ],
)
def test_unprefixed_is_silent_where_all_is_well(task: Task) -> None:
    assert tag_notes.unprefixed(task) == ""


@pytest.mark.parametrize(
    "tags", [("PER-B", "PER-I"), ("b-PER", "i-PER"), ("B_PER", "I_PER"), ("B:PER", "I:PER")]
)
def test_respelled_positions_are_told_with_the_right_spelling(tags: tuple[str, ...]) -> None:
    told = tag_notes.respelled(tagging("O", *tags))
    assert f"({', '.join(tags)})" in told
    assert told.endswith("write `B-PER`")


@pytest.mark.parametrize(
    "task",
    [
        tagging("O", "B-PER", "I-PER"),
        tagging("O", "B", "I"),
        tagging("O", "PER", "LOC"),
        tagging("O", "PER-B", "PER-I", metric="token_accuracy"),
        tagging("NOUN", "VERB"),
    ],
)
def test_respelled_is_silent_where_positions_are_read(task: Task) -> None:
    assert tag_notes.respelled(task) == ""

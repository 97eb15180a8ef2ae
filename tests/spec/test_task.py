"""A task as a value: one source, what it is asked about, what decides its phases."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.sweeps import task
from xstilts.spec.task import Limits, Source, Splits, Task, evaluation_payload, training_payload
from xstilts.spec.transforms import Pseudo, Transform


def union(*parts: Task) -> Task:
    """A union of classification tasks."""
    return task("all").model_copy(
        update={"source": Source(union=True), "splits": Splits(), "parts": parts}
    )


# -- exactly one


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"hub": "org/data", "files": ("a.jsonl",)},
        {"generator": "gen-tags", "union": True},
        {"config": "en"},
    ],
)
def test_source_of_none_or_of_two_places_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of hub, files, generator, union"):
        Source(**fields)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 65])
def test_name_that_is_no_word_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        task(name)


# -- what a task is asked about


def test_column_of_a_role_is_its_own_name_unless_another_is_given() -> None:
    one = task("x", columns={"text": "premise"})
    assert (one.column("text"), one.column("label")) == ("premise", "label")


def test_train_languages_are_a_tuple_however_they_are_written() -> None:
    assert task("x").train_languages == ("en",)
    assert task("x", train_language=("de", "fr")).train_languages == ("de", "fr")


@pytest.mark.parametrize(
    ("task_format", "trained"), [("tagging", True), ("retrieval", False), ("mining", False)]
)
def test_task_of_a_format_without_training_is_not_trainable(
    task_format: str, trained: bool
) -> None:
    assert task("x", task_format).trainable is trained


def test_union_has_a_split_where_all_its_parts_have() -> None:
    whole, without = task("one"), task("two").model_copy(update={"splits": Splits(train="train")})
    both = union(whole, without)
    assert both.leaves == (whole, without)
    assert whole.leaves == (whole,)
    assert [both.has(use) for use in ("train", "dev", "test")] == [True, False, False]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (task("a"), task("b"), True),
        (task("a"), task("b").model_copy(update={"labels": ("b", "a")}), False),
        (task("a"), task("b", "tagging"), False),
        (
            task("a", "multiple_choice"),
            task("b", "multiple_choice").model_copy(update={"labels": ("1", "2", "3")}),
            True,
        ),
    ],
)
def test_head_answers_tasks_of_its_format_and_labels(one: Task, other: Task, alike: bool) -> None:
    assert one.alike(other) is alike
    assert other.alike(one) is alike


# -- what decides its phases


@pytest.mark.parametrize(
    ("change", "training", "evaluation"),
    [
        ({"name": "other"}, False, True),
        ({"languages": ("en",)}, False, True),
        ({"train_language": "de"}, True, False),
        ({"labels": ("b", "a")}, True, True),
        ({"splits": Splits(train="train[:9]", dev="validation", test="test")}, True, False),
        ({"splits": Splits(train="train", dev="validation", test="other")}, False, True),
        ({"limits": Limits(dev=5)}, True, False),
        ({"limits": Limits(test=5)}, False, True),
        ({"transform": Transform(pseudo=Pseudo())}, True, False),
        ({"groups": ("semantic",)}, False, False),
        ({"licence": "MIT"}, False, False),
        ({"obtain": "ask its owner"}, False, False),
    ],
)
def test_change_of_a_task_reaches_the_payload_that_it_decides(
    change: dict[str, Any], training: bool, evaluation: bool
) -> None:
    before, after = task("x"), task("x").model_copy(update=change)
    assert (training_payload(before) != training_payload(after)) is training
    assert (evaluation_payload(before) != evaluation_payload(after)) is evaluation


def test_payload_of_own_files_does_not_say_where_they_lie() -> None:
    here, there = (
        task("x").model_copy(update={"source": Source(files=(path,))})
        for path in ("a/{split}.jsonl", "b/{split}.jsonl")
    )
    assert training_payload(here) == training_payload(there)
    assert evaluation_payload(here) == evaluation_payload(there)


def test_training_payload_of_one_language_is_the_same_however_it_is_written() -> None:
    listed = task("x", train_language=("en",), language_exponent=0.5)
    assert training_payload(listed) == training_payload(task("x"))


def test_evaluation_payload_of_a_tuned_format_sees_its_development_rows() -> None:
    dev = Splits(train="train", dev="validation[:9]", test="test")
    for task_format, sees in (("mining", True), ("retrieval", False)):
        before = task("x", task_format)
        after = before.model_copy(update={"splits": dev})
        assert (evaluation_payload(before) != evaluation_payload(after)) is sees


def test_payload_of_a_union_has_one_for_each_part() -> None:
    part = task("one")
    payload = training_payload(union(part, part.model_copy(update={"name": "two"})))
    assert payload["parts"] == [training_payload(part)] * 2

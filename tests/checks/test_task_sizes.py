"""Rows of a task from its card, with cuts, limits and unions."""

from __future__ import annotations

from typing import Any

import pytest

from xstilts.checks.task_sizes import Size, size
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.tasks import TASKS
from xstilts.tasks.generator import SIZES


@pytest.mark.parametrize(
    ("name", "use", "text"),
    [
        ("mnli", "train", "392,702"),
        ("xnli", "test", "5,010 each"),
        ("tydiqa", "train", "3,326"),
        ("tydiqa", "dev", "370"),
        ("tatoeba", "test", "205 to 1,000 each"),
    ],
)
def test_size_is_what_the_card_says_after_cuts(name: str, use: Any, text: str) -> None:
    found = size(TASKS[name], use)
    assert found is not None and found.text == text


def test_union_is_the_sum_of_its_parts() -> None:
    parts = [size(part, "train") for part in TASKS["anli_plus"].parts]
    whole = size(TASKS["anli_plus"], "train")
    assert whole is not None and whole.low == sum(one.low for one in parts if one)


def test_limit_is_the_most_that_is_read() -> None:
    limited = TASKS["mnli"].model_copy(update={"limits": Limits(train=500)})
    found = size(limited, "train")
    assert found is not None and (found.low, found.high) == (500, 500)


def test_generators_rows_are_its_own_table() -> None:
    found = size(TASKS["gen-tags"], "test")
    assert found is not None and found.low == SIZES["gen-tags"]["test"] and found.languages == 4


def test_what_no_card_tells_and_what_is_no_split_have_no_size() -> None:
    own = Task(
        name="own",
        format="masked_lm",
        source=Source(files=("a.jsonl",)),
        metric="masked_accuracy",
        splits=Splits(train="train"),
    )
    assert size(own, "train") is None and size(own, "test") is None
    assert size(TASKS["xquad"], "train") is None


def test_number_from_memory_says_so() -> None:
    found = size(TASKS["tydiqa"], "test")
    assert found is not None and found.unverified
    assert Size(low=1, high=1, languages=1).to_json()["unverified"] is False

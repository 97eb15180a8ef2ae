"""What a task's own fields make doubtful."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from xstilts.checks.audit.task_sense import chosen_by_training_rows, positive, tags
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.task import Limits, Splits, Task
from xstilts.tasks import TASKS


def scored(metric: str, *labels: str, **options: str) -> Task:
    fields = {"metric": metric, "labels": labels, "options": ClassificationOptions(**options)}
    return worlds.review_task().model_copy(update=fields)


@pytest.mark.parametrize(
    "labels", [("yes", "no"), ("True", "False"), ("spam", "not_spam"), ("1", "0"), ("pos", "neg")]
)
def test_f1_of_the_label_that_means_no_is_doubted(labels: tuple[str, str]) -> None:
    (doubt,) = positive(scored("binary_f1", *labels))
    assert doubt.message.startswith(f"binary_f1 is of `{labels[1]}`")
    assert f"positive_label: {labels[1]}" in doubt.message
    assert not list(positive(scored("binary_f1", *labels, positive_label=labels[1])))
    assert not list(positive(scored("accuracy", *labels)))
    assert not list(positive(scored("matthews", *labels)))
    assert not list(positive(scored("accuracy_f1", *labels[::-1])))


def test_built_in_tasks_have_the_positive_label_last() -> None:
    assert [one for task in TASKS.values() for one in positive(task)] == []


@pytest.mark.parametrize(
    ("train", "dev", "words"),
    [
        ("train", "train", "40 of 40 dev rows"),
        ("train", "train[90%:]", "4 of 4 dev rows"),
        ("train[:50%]", "train[25%:75%]", "10 of 20 dev rows"),
        ("dev+train[:10]", "dev", "10 of 10 dev rows"),
    ],
)
def test_development_rows_that_are_training_rows_are_told(
    tmp_path: Path, train: str, dev: str, words: str
) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(splits=Splits(train=train, dev=dev))
    (doubt,) = chosen_by_training_rows(task, worlds.context(tmp_path))
    assert doubt.message.startswith(f"{words} are training rows")


@pytest.mark.parametrize(
    ("train", "dev", "limit"),
    [
        ("train", "dev", None),
        ("train[:90%]", "train[90%:]", None),
        ("train[:33%]", "train[33%:66%]", None),
        ("train", "train[50%:]", 20),
    ],
)
def test_rows_apart_are_no_doubt(tmp_path: Path, train: str, dev: str, limit: int | None) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(splits=Splits(train=train, dev=dev), limits=Limits(train=limit))
    assert list(chosen_by_training_rows(task, worlds.context(tmp_path))) == []


def test_positions_that_are_written_otherwise_are_a_doubt_of_their_task() -> None:
    fields = {"format": "tagging", "metric": "chunk_f1", "labels": ("O", "PER-B", "PER-I")}
    (doubt,) = tags(worlds.review_task().model_copy(update=fields))
    assert doubt.message.startswith("chunk_f1 reads positions as in `B-PER`")
    assert not [doubt for task in TASKS.values() for doubt in tags(task)]

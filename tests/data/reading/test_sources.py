"""Splits of a source: what is missing is named with what there is, and with how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.check_messages import problems
from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_missing_data_says_how_to_get_it(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "train"): {"text": ["a"], "label": [0]}})
    obtain = "CCGbank is licensed (LDC2005T13): ask its owner"
    absent = [
        Source(files=("gone/{split}.jsonl",)),
        Source(hub="o/gone"),
        Source(hub="o/d", config="gone"),
    ]
    for source in absent:
        task = worlds.review_task(source=source, obtain=obtain)
        with pytest.raises(DataError, match=r"CCGbank is licensed \(LDC2005T13\): ask its owner"):
            task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))


def test_wrong_name_in_data_that_is_there_says_nothing_of_how_to_get_it(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    obtain = "ask its owner"
    (split,) = task_data.check(
        worlds.review_task(obtain=obtain, splits=Splits(train="train", dev="eval")),
        "train",
        worlds.context(tmp_path),
    )
    assert "has no split `eval`; it has" in split and obtain not in split
    many = worlds.review_task(obtain=obtain, languages=("en", "de"))
    (files,) = task_data.check(many, "evaluate", worlds.context(tmp_path))
    assert "one file cannot serve 2 languages" in files and obtain not in files


def test_data_that_is_there_says_nothing_of_how_to_get_it(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(obtain="ask its owner", columns={"text": "gone", "label": "verdict"})
    assert all(
        "ask its owner" not in one
        for one in task_data.check(task, "train", worlds.context(tmp_path))
    )


def test_missing_split_names_those_that_exist_and_how_to_cut(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("default", "validation"): {"text": ["a"], "label": [0]}}
    )
    task = worlds.review_task(source=Source(hub="o/d"), columns={})
    with pytest.raises(DataError, match="has no split `train`; it has `validation`") as error:
        task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))
    assert 'splits: {train: "validation[:80%]"' in str(error.value)


def test_missing_dataset_names_the_nearest_and_the_command(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "org/reviews", {("default", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(worlds.review_task(source=Source(hub="org/reviwes")), tmp_path, mirror=mirror)
    assert "not in the mirror" in found
    assert "; nearest: org/reviews" in found
    assert f"xstilts fetch SWEEP --mirror {mirror}" in found


def test_missing_language_is_told_once_with_those_that_exist(tmp_path: Path) -> None:
    columns = {"text": ["a"], "label": [0]}
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("x.de", "test"): columns, ("x.en", "test"): columns}
    )
    task = worlds.review_task(
        source=Source(hub="o/d", config="x.{language}"),
        columns={},
        languages=("en", "sw", "th", "de"),
    )
    (found,) = task_data.check(task, "evaluate", worlds.context(tmp_path, mirror))
    assert "of this task's languages it has en, de" in found
    assert "[so in 2 languages: sw, th]" in found


def test_missing_configuration_lists_them(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("alpha", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(
        worlds.review_task(source=Source(hub="o/d", config="alhpa")), tmp_path, mirror=mirror
    )
    assert "has no configuration `alhpa`; nearest: alpha; it has alpha" in found


def test_many_languages_from_one_configuration_is_refused(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "test"): {"text": ["a"], "label": [0]}})
    task = worlds.review_task(
        source=Source(hub="o/d", config="c"), columns={}, languages=("de", "fr")
    )
    assert "one configuration cannot serve" in problems(task, tmp_path, "evaluate", mirror)

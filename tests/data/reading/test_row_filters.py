"""Rows that a source's filter keeps: before cuts and limits, counted right, part of what names the
data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Limits, Source, Splits, Task

IDS = ("english-1", "finnish-1", "english-2", "english-3", "finnish-2")


def told(folder: Path, pattern: str = "{language}-*", **changes: Any) -> Task:
    """A task over one file with the rows of English and Finnish mixed."""
    rows = [
        {"id": name, "text": f"w{i:02d}", "label": i % 2, "weight": i} for i, name in enumerate(IDS)
    ]
    worlds.write_jsonl(folder / "all.jsonl", rows)
    fields: dict[str, Any] = {
        "name": "told",
        "format": "classification",
        "labels": ("no", "yes"),
        "metric": "accuracy",
        "source": Source(files=("all.jsonl",), row_filter={"id": pattern}),
        "languages": ("en", "fi"),
        "language_names": {"en": "english", "fi": "finnish"},
        "splits": Splits(train="train", test="train"),
    }
    return Task(**{**fields, **changes})


def test_filter_keeps_the_rows_of_each_language(tmp_path: Path) -> None:
    task, context = told(tmp_path), worlds.context(tmp_path)
    assert list(task_data.rows(task, "test", "fi", context)["text"]) == ["w01", "w04"]
    assert list(task_data.rows(task, "train", None, context)["text"]) == ["w00", "w02", "w03"]


def test_filter_comes_before_the_cut_and_the_limit(tmp_path: Path) -> None:
    context = worlds.context(tmp_path)
    task = told(tmp_path, splits=Splits(train="train[1:]"), limits=Limits(train=1))
    assert list(task_data.rows(task, "train", None, context)["text"]) == ["w02"]
    assert task_data.sizes(task, "train", None, context) == 1


def test_sizes_count_what_is_kept(tmp_path: Path) -> None:
    task, context = told(tmp_path), worlds.context(tmp_path)
    assert [task_data.sizes(task, "test", one, context) for one in ("en", "fi", None)] == [3, 2, 5]


def test_filter_of_a_mirror_reads_parquet_and_numbers(tmp_path: Path) -> None:
    columns = {"text": ["a", "b", "c"], "label": [0, 1, 0], "kind": [10, 11, 20]}
    mirror = worlds.write_mirror(tmp_path, "o/d", {("default", "train"): columns})
    task = told(tmp_path, source=Source(hub="o/d", row_filter={"kind": "1?"}), languages=("en",))
    context = worlds.context(tmp_path, mirror)
    assert list(task_data.rows(task, "train", None, context)["text"]) == ["a", "b"]
    assert task_data.sizes(task, "train", None, context) == 2


def test_pattern_is_literal_but_for_stars_and_question_marks(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "p.jsonl",
        [
            {"id": name, "text": name, "label": 0}
            for name in ("a.b+c", "aXb+c", "a.b+cc", "A.b+c", "[a]")
        ],
    )
    task = told(
        tmp_path, languages=("en",), source=Source(files=("p.jsonl",), row_filter={"id": "a.b+?"})
    )
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path))["text"]) == ["a.b+c"]
    task = task.model_copy(update={"source": Source(files=("p.jsonl",), row_filter={"id": "[*]"})})
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path))["text"]) == ["[a]"]


def test_filters_must_all_match_and_missing_values_match_nothing(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "label": 0, "x": "1", "y": None},
        {"text": "b", "label": 0, "x": "1", "y": "2"},
        {"text": "c", "label": 0, "x": "0", "y": "2"},
    ]
    worlds.write_jsonl(tmp_path / "p.jsonl", rows)
    task = told(
        tmp_path,
        languages=("en",),
        source=Source(files=("p.jsonl",), row_filter={"x": "1", "y": "*"}),
    )
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path))["text"]) == ["b"]


def test_filter_that_matches_nothing_shows_pattern_and_values(tmp_path: Path) -> None:
    task = told(tmp_path, language_names={"fi": "finnish"})
    with pytest.raises(DataError, match="none of the 5 rows matches") as error:
        task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert "'english-1', 'finnish-1'" in str(error.value)
    assert "the pattern is 'en-*'" in str(error.value)
    assert "files all.jsonl, split train" in str(error.value)


def test_filter_on_a_missing_column_names_those_that_exist(tmp_path: Path) -> None:
    task = told(tmp_path, source=Source(files=("all.jsonl",), row_filter={"idd": "{language}-*"}))
    (problem,) = task_data.check(task, "train", worlds.context(tmp_path))[:1]
    assert (
        "row_filter names a column `idd`, which does not exist; it has id, text, label, weight"
        in problem
    )


def test_several_languages_of_one_file_need_the_language_in_the_filter(tmp_path: Path) -> None:
    task = told(tmp_path, "english-*")
    (problem,) = task_data.check(task, "evaluate", worlds.context(tmp_path))
    assert "one file cannot serve 2 languages" in problem
    assert "`row_filter:`" in problem


def test_filter_is_part_of_the_revision_and_of_the_encoded_form(tmp_path: Path) -> None:
    context, hyper = worlds.context(tmp_path), Hyperparameters(max_length_tokens=16)
    task, other = told(tmp_path), told(tmp_path, "*-1", languages=("en",))
    task = task.model_copy(update={"splits": Splits(train="train", dev="train", test="train")})
    other = other.model_copy(update={"splits": task.splits})
    assert task_data.revision(task, "train", context) != task_data.revision(other, "train", context)
    assert len(task_data.encoded(task, "train", None, worlds.tokenizer(), hyper, context).rows) == 3
    assert (
        len(task_data.encoded(other, "train", None, worlds.tokenizer(), hyper, context).rows) == 2
    )


def test_filter_that_matches_nothing_shows_values_cut_short(tmp_path: Path) -> None:
    task = told(
        tmp_path, source=Source(files=("all.jsonl",), row_filter={"text": "z*"}), languages=("en",)
    )
    worlds.write_jsonl(tmp_path / "all.jsonl", [{"text": "word " * 50, "label": 0}])
    with pytest.raises(DataError) as error:
        task_data.rows(task, "train", None, worlds.context(tmp_path))
    shown = "word " * 7 + "word…"  # 40 characters
    assert f"text has values like '{shown}', the pattern is 'z*'" in str(error.value)

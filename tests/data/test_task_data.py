"""Rows of a task, its problems, its revision: what the room of data answers to the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.data.check_messages import problems
from tests.support import worlds
from xstilts.data import task_data
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Splits, Task

# -- rows


def test_rows_of_json_lines_have_roles_and_label_ids(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    rows = task_data.rows(task, "train", "en", worlds.context(tmp_path))
    assert rows.column_names == ["text", "label"]
    assert rows[1] == {"text": "w01 w07", "label": 1}
    assert len(rows) == 40


# -- problems


def test_check_of_good_data_finds_nothing(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    assert problems(task, tmp_path) == "" == problems(task, tmp_path, "evaluate")


def test_check_tells_all_problems_of_a_split_at_once(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    worlds.write_jsonl(tmp_path / "reviews" / "train.jsonl", [{"boddy": "w", "verdict": "ugly"}])
    worlds.write_jsonl(tmp_path / "reviews" / "dev.jsonl", [{"body": None, "verdict": "good"}])
    found = problems(task, tmp_path)
    assert "has no column `body` for text; nearest: boddy" in found
    assert "labels outside the table [bad, good]: ugly" in found
    assert "column `body` is empty in 1 rows (first: row 1)" in found


# -- revisions


def test_revision_follows_content_alone(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    context = worlds.context(tmp_path)
    first = task_data.revision(task, "train", context)
    moved = tmp_path / "elsewhere"
    worlds.review_world(moved)
    assert task_data.revision(task, "train", worlds.context(moved)) == first
    train = tmp_path / "reviews" / "train.jsonl"
    os.utime(train, (1, 1))
    assert task_data.revision(task, "train", context) == first
    worlds.write_jsonl(train, worlds.reviews(40, 1))
    assert task_data.revision(task, "train", context) != first


def test_revision_of_a_training_ignores_the_test_file(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    context = worlds.context(tmp_path)
    train, evaluate = (
        task_data.revision(task, "train", context),
        task_data.revision(task, "evaluate", context),
    )
    worlds.write_jsonl(tmp_path / "reviews" / "test.jsonl", worlds.reviews(3))
    assert task_data.revision(task, "train", context) == train
    assert task_data.revision(task, "evaluate", context) != evaluate


def test_revision_of_a_damaged_memory_is_hashed_anew(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    context = worlds.context(tmp_path)
    first = task_data.revision(task, "train", context)
    memory = next(Path(context.cache).glob("*.json"))
    memory.write_text("[tru")
    assert task_data.revision(task, "train", context) == first


# -- several languages, and problems of several uses


HYPER = Hyperparameters(max_length_tokens=16)


def spoken(folder: Path, **changes: Any) -> Task:
    """Reviews in German and French, two rows each, `<language>/train.jsonl`."""
    for start, language in enumerate(("de", "fr")):
        worlds.write_jsonl(folder / language / "train.jsonl", worlds.reviews(2, start))
    fields: dict[str, Any] = {
        "source": Source(files=("{language}/{split}.jsonl",)),
        "train_language": ("de", "fr"),
        "languages": ("de", "fr"),
        "splits": Splits(train="train", test="train"),
    }
    return worlds.review_task(**{**fields, **changes})


def test_rows_of_several_languages_say_which(tmp_path: Path) -> None:
    task, context = spoken(tmp_path), worlds.context(tmp_path)
    rows = task_data.rows(task, "train", None, context)
    assert rows.column_names == ["text", "label", "language"]
    assert list(rows["language"]) == ["de", "de", "fr", "fr"]
    assert task_data.rows(task, "train", "fr", context).column_names == ["text", "label"]


def test_encoded_split_knows_its_language(tmp_path: Path) -> None:
    task, context = spoken(tmp_path), worlds.context(tmp_path)
    assert (
        task_data.encoded(task, "test", "fr", worlds.tokenizer(), HYPER, context).language == "fr"
    )
    both = task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, context)
    assert both.language is None
    assert both.rows["language"][:] == ["de", "de", "fr", "fr"]


def test_language_names_are_part_of_the_encoded_form(tmp_path: Path) -> None:
    context, task = worlds.context(tmp_path), spoken(tmp_path)
    (tmp_path / "de" / "train.jsonl").write_bytes((tmp_path / "fr" / "train.jsonl").read_bytes())
    task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, context)
    turned = task.model_copy(update={"train_language": ("fr", "de")})
    rows = task_data.encoded(turned, "train", None, worlds.tokenizer(), HYPER, context).rows
    assert rows["language"][:] == ["fr", "fr", "de", "de"]


def test_problem_of_several_uses_is_told_once(tmp_path: Path) -> None:
    task = worlds.review_task(source=Source(files=("gone/{split}.jsonl",)))
    (problem,) = task_data.check(task, "train", worlds.context(tmp_path))
    assert problem.startswith("task reviews (train, dev): files gone/{split}.jsonl: nothing there")

"""Rows of several languages, rows that tune an evaluation, data that is not free, the hook of
transforms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading import sources
from xstilts.errors import DataError
from xstilts.spec.sweep import Hyperparameters
from xstilts.spec.task import Lookup, Pseudo, Source, Splits, Task, Transform

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
    task, where = spoken(tmp_path), worlds.context(tmp_path)
    rows = task_data.rows(task, "train", None, where)
    assert rows.column_names == ["text", "label", "language"]
    assert list(rows["language"]) == ["de", "de", "fr", "fr"]
    assert task_data.rows(task, "train", "fr", where).column_names == ["text", "label"]


def test_encoded_split_knows_its_language(tmp_path: Path) -> None:
    task, where = spoken(tmp_path), worlds.context(tmp_path)
    assert task_data.encoded(task, "test", "fr", worlds.tokenizer(), HYPER, where).language == "fr"
    both = task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, where)
    assert both.language is None
    assert both.rows["language"][:] == ["de", "de", "fr", "fr"]


def test_language_names_are_part_of_the_encoded_form(tmp_path: Path) -> None:
    where, task = worlds.context(tmp_path), spoken(tmp_path)
    (tmp_path / "de" / "train.jsonl").write_bytes((tmp_path / "fr" / "train.jsonl").read_bytes())
    task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, where)
    turned = task.model_copy(update={"train_language": ("fr", "de")})
    rows = task_data.encoded(turned, "train", None, worlds.tokenizer(), HYPER, where).rows
    assert rows["language"][:] == ["fr", "fr", "de", "de"]


# --- rows that tune an evaluation


def mined(folder: Path, **changes: Any) -> Task:
    """A mining task over JSON lines in German and French."""
    rows = [
        {"source_sentence": "w01", "target_sentence": "w02"},
        {"source_sentence": "w03", "target_sentence": ""},
    ]
    for language in ("de", "fr"):
        for split in ("dev", "test"):
            worlds.write_jsonl(folder / f"{language}.{split}.jsonl", rows)
    fields: dict[str, Any] = {
        "name": "mined",
        "format": "mining",
        "source": Source(files=("{language}.{split}.jsonl",)),
        "metric": "mining_f1",
        "languages": ("de", "fr"),
        "splits": Splits(dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


def test_development_rows_of_mining_exist_in_every_language(tmp_path: Path) -> None:
    task, where = mined(tmp_path), worlds.context(tmp_path)
    assert task.uses("evaluate") == ("dev", "test")
    assert task.languages_of("dev") == ("de", "fr")
    assert task_data.check(task, "evaluate", where) == []
    assert task_data.rows(task, "dev", "fr", where)[1] == {
        "source_sentence": "w03",
        "target_sentence": "",
    }


def test_uses_of_other_formats_are_as_ever() -> None:
    task = worlds.review_task()
    assert task.uses("evaluate") == ("test",)
    assert task.uses("train") == ("train", "dev")
    assert task.languages_of("dev") == ("en",)


def test_revision_of_a_mining_evaluation_sees_its_development_rows(tmp_path: Path) -> None:
    task, where = mined(tmp_path), worlds.context(tmp_path)
    first = task_data.revision(task, "evaluate", where)
    worlds.write_jsonl(
        tmp_path / "fr.dev.jsonl", [{"source_sentence": "w09", "target_sentence": "w09"}]
    )
    assert task_data.revision(task, "evaluate", where) != first


def test_mining_without_development_rows_says_what_they_are_for(tmp_path: Path) -> None:
    (problem,) = task_data.check(
        mined(tmp_path, splits=Splits(test="test")), "evaluate", worlds.context(tmp_path)
    )
    assert "has no split for dev, which tunes the evaluation" in problem


def test_one_development_file_cannot_serve_several_languages(tmp_path: Path) -> None:
    task = mined(tmp_path, source=Source(files=("de.{split}.jsonl",)), splits=Splits(dev="dev"))
    with pytest.raises(DataError, match="one file cannot serve 2 languages"):
        task_data.rows(task, "dev", "de", worlds.context(tmp_path))


# --- data that cannot be downloaded freely


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


def test_problem_of_several_uses_is_told_once(tmp_path: Path) -> None:
    task = worlds.review_task(source=Source(files=("gone/{split}.jsonl",)))
    (problem,) = task_data.check(task, "train", worlds.context(tmp_path))
    assert problem.startswith("task reviews (train, dev): files gone/{split}.jsonl: nothing there")


def test_rows_found_good_are_not_read_again_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, where = worlds.review_world(tmp_path), worlds.context(tmp_path)
    assert task_data.check(task, "train", where) == []
    with monkeypatch.context() as patch:
        patch.setattr(sources, "read", None)
        assert task_data.check(task, "train", where) == []
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", [{"body": "w", "verdict": "odd"}])
    (problem,) = task_data.check(task, "train", where)
    assert "labels outside the table" in problem
    assert task_data.check(task, "train", where) == [
        problem
    ]  # what is wrong is looked at every time


def test_data_that_is_there_says_nothing_of_how_to_get_it(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(obtain="ask its owner", columns={"text": "gone", "label": "verdict"})
    assert all(
        "ask its owner" not in one
        for one in task_data.check(task, "train", worlds.context(tmp_path))
    )


# --- transforms


def test_transform_changes_training_rows_alone_and_names_them(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    odd = task.model_copy(update={"transform": Transform(pseudo=Pseudo())})
    where = worlds.context(tmp_path)
    assert task_data.rows(odd, "dev", None, where)[:] == task_data.rows(task, "dev", None, where)[:]
    assert (
        task_data.rows(odd, "train", None, where)["text"][:]
        != task_data.rows(task, "train", None, where)["text"][:]
    )
    assert (
        task_data.rows(odd, "train", None, where)["label"][:]
        == task_data.rows(task, "train", None, where)["label"][:]
    )
    assert task_data.revision(odd, "train", where) != task_data.revision(task, "train", where)
    assert task_data.revision(odd, "evaluate", where) == task_data.revision(task, "evaluate", where)
    first = task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, where).rows[:]
    assert task_data.encoded(odd, "train", None, worlds.tokenizer(), HYPER, where).rows[:] != first
    assert task_data.check(odd, "train", where) == []


def test_rows_that_a_transform_adds_are_counted(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    both = task.model_copy(update={"transform": Transform(pseudo=Pseudo(), add=True)})
    where = worlds.context(tmp_path)
    assert (
        task_data.sizes(both, "train", None, where)
        == len(task_data.rows(both, "train", None, where))
        == 80
    )
    assert task_data.sizes(both, "dev", None, where) == 10


def test_transform_follows_the_limit_and_its_problems_are_told(tmp_path: Path) -> None:
    task = worlds.limited(worlds.review_world(tmp_path), 5)
    where = worlds.context(tmp_path)
    assert (
        len(
            task_data.rows(
                task.model_copy(update={"transform": Transform(pseudo=Pseudo())}),
                "train",
                None,
                where,
            )
        )
        == 5
    )
    absent = Transform(lookup=Lookup(files=("gone.tsv",), languages=("de",)))
    found = task_data.check(task.model_copy(update={"transform": absent}), "train", where)
    assert "gone.tsv" in "\n".join(found)
    assert task_data.check(task.model_copy(update={"transform": absent}), "evaluate", where) == []

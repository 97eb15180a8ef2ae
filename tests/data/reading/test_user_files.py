"""The user's own files: paths, globs, splits in their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.check_messages import problems
from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading.raw import Absent
from xstilts.data.reading.user_files import user_files
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_globs_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, start in (("b", 10), ("a", 0), ("c", 20)):
        worlds.write_jsonl(tmp_path / "parts" / f"{name}.jsonl", worlds.reviews(2, start))
    task = worlds.review_task(source=Source(files=("parts/*.jsonl",)), splits=Splits(train="train"))
    rows = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert [text[:3] for text in rows["text"]] == ["w00", "w01", "w10", "w11", "w20", "w21"]


def test_many_languages_from_one_file_is_refused(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    assert "put `{language}` into the path" in problems(
        worlds.review_task(languages=("en", "fr")), tmp_path
    )


def test_missing_files_name_the_folder(tmp_path: Path) -> None:
    found = problems(worlds.review_task(), tmp_path)
    assert "nothing there" in found
    assert str(tmp_path) in found


def found(folder: Path, *files: str, **changes: Any) -> dict[str, list[str]]:
    """Split to its files, relative to the folder."""
    task = worlds.review_task(source=Source(files=files), **changes)
    splits = user_files(task, "en", str(folder)).splits
    return {
        split: [path.relative_to(folder).as_posix() for path in paths]
        for split, paths in splits.items()
    }


def touch(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


@pytest.mark.parametrize(
    ("pattern", "splits"),
    [
        ("a/train.csv", {"train": ["a/train.csv"]}),
        ("a/*.csv", {"train": ["a/dev.csv", "a/train.csv"]}),  # no split is named: all is `train`
        ("a/{split}.csv", {"dev": ["a/dev.csv"], "train": ["a/train.csv"]}),
        ("{split}/deep/x.csv", {"b": ["b/deep/x.csv"]}),
        ("**/deep/{split}.csv", {"x": ["b/deep/x.csv"]}),
        ("c/{split}-{split}.csv", {"one": ["c/one-one.csv"]}),  # both must be the same
    ],
)
def test_splits_are_named_in_the_path_or_are_train(
    tmp_path: Path, pattern: str, splits: dict[str, list[str]]
) -> None:
    touch(tmp_path, "a/train.csv", "a/dev.csv", "b/deep/x.csv", "c/one-one.csv", "c/one-two.csv")
    assert found(tmp_path, pattern) == splits


def test_language_in_a_path_is_the_sources_word_for_it(tmp_path: Path) -> None:
    touch(tmp_path, "english.train.csv", "en.train.csv")
    names = {"en": "english"}
    assert found(tmp_path, "{language}.{split}.csv", language_names=names) == {
        "train": ["english.train.csv"]
    }


def test_files_of_several_patterns_come_in_their_order(tmp_path: Path) -> None:
    touch(tmp_path, "a/train.csv", "z/train.csv", "z/dev.csv")
    assert found(tmp_path, "z/{split}.csv", "a/{split}.csv") == {
        "dev": ["z/dev.csv"],
        "train": ["z/train.csv", "a/train.csv"],
    }


def test_folders_that_match_are_no_files(tmp_path: Path) -> None:
    touch(tmp_path, "train.csv/inside")
    with pytest.raises(Absent, match="nothing there"):
        found(tmp_path, "{split}.csv")


def test_file_that_two_patterns_name_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "a/train.csv", "a/dev.csv")
    with pytest.raises(
        DataError, match=r"files \*/train\.csv: \S+train\.csv is named by `a/\*\.csv`"
    ):
        found(tmp_path, "a/*.csv", "*/train.csv")


def test_nothing_behind_brackets_says_that_they_stand_for_themselves(tmp_path: Path) -> None:
    touch(tmp_path, "a1.csv")
    with pytest.raises(Absent, match=r"nothing there; .*; brackets stand for themselves"):
        found(tmp_path, "a[0-9].csv")

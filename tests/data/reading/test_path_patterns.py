"""Patterns of paths: what they match in folders of any name, and what stands for itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xstilts.data.reading.path_patterns import matches
from xstilts.errors import DataError

FOLDERS = (
    "plain",
    "run [v2]",
    "100%20 #1",
    "ü 中 (a)",
    "what?",
    "st*r",
    "[!a]",
    "{split}",
    "~",
    "a\nb",
)


def touch(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def found(pattern: str, base: Path, word: str = "en") -> list[tuple[str, str | None]]:
    """Paths relative to `base`, and their splits."""
    return [(os.path.relpath(m.path, base), m.split) for m in matches(pattern, word, str(base))]


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_of_the_sweep_file_is_never_a_pattern(tmp_path: Path, name: str) -> None:
    base = tmp_path / name
    touch(base, "t.train.en.csv", "t.dev.en.csv", "d/x.csv")
    touch(tmp_path / "other", "t.train.en.csv")
    splits = [("t.dev.en.csv", "dev"), ("t.train.en.csv", "train")]
    assert found("t.{split}.{language}.csv", base) == splits
    assert found("./t.*.{language}.csv", base) == [(path, None) for path, _ in splits]
    assert found("**/x.csv", base) == [("d/x.csv", None)]
    assert found("d/../t.{split}.en.csv", base) == splits
    assert found("../other/t.{split}.en.csv", base) == [("../other/t.train.en.csv", "train")]


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_in_a_pattern_and_words_for_a_language_stand_for_themselves(
    tmp_path: Path, name: str
) -> None:
    touch(tmp_path / "w", f"{name}.train.csv", "x.train.csv")
    assert found("w/{language}.{split}.csv", tmp_path, name) == [(f"w/{name}.train.csv", "train")]
    assert found("w/{language}.train.csv", tmp_path, name) == [(f"w/{name}.train.csv", None)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a[1].csv", ["a[1].csv"]),
        ("a[1].{split}.csv", ["a[1].dev.csv"]),
        ("what?.csv", ["what?.csv"]),  # it is the path of a file
        ("wha?X.csv", ["whatX.csv"]),
        ("a[[]1].csv", []),
        ("*1.csv", ["a1.csv"]),
        ("%20#.csv", ["%20#.csv"]),
        ("**/deep.csv", ["deep.csv", "x/deep.csv", "x/y/deep.csv"]),
        ("x/**/{split}.csv", ["x/deep.csv", "x/y/deep.csv"]),
        ("a**.csv", ["a1.csv", "a[1].csv", "a[1].dev.csv"]),
        ("x/*", ["x/deep.csv"]),
    ],
)
def test_only_stars_and_question_marks_stand_for_others(
    tmp_path: Path, pattern: str, names: list[str]
) -> None:
    touch(tmp_path, "a[1].csv", "a1.csv", "a[1].dev.csv", "what?.csv", "whatX.csv", "%20#.csv")
    touch(tmp_path, "deep.csv", "x/deep.csv", "x/y/deep.csv")
    assert [path for path, _ in found(pattern, tmp_path)] == names


@pytest.mark.parametrize("name", ["plain", "home [1]"])
def test_home_folder_stands_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    touch(tmp_path / name, "data/x.csv")
    monkeypatch.setenv("HOME", str(tmp_path / name))
    assert found("~/data/*.csv", tmp_path) == [(f"{name}/data/x.csv", None)]
    touch(tmp_path, "~x.csv")
    assert found("~x.csv", tmp_path) == [("~x.csv", None)]


def test_absolute_pattern_leaves_the_folder_aside(tmp_path: Path) -> None:
    touch(tmp_path / "d [1]", "x.dev.csv")
    here = [("d [1]/x.dev.csv", "dev")]
    assert [
        (os.path.relpath(m.path, tmp_path), m.split)
        for m in matches(f"{tmp_path}/d [1]/x.{{split}}.csv", "en", "/nowhere [2]")
    ] == here


@pytest.mark.parametrize(
    ("pattern", "splits"),
    [
        ("d.{split}*", ["dev", "train", "train"]),
        ("d.{split}-*.csv", ["train", "train"]),
        ("d.{split}-0000?-*", ["train", "train"]),
    ],
)
def test_split_beside_a_star_is_a_whole_word(
    tmp_path: Path, pattern: str, splits: list[str]
) -> None:
    touch(tmp_path, "d.dev.csv", "d.train-00001-of-2.csv", "d.train-00002-of-2.csv")
    assert [split for _, split in found(pattern, tmp_path)] == splits


def test_links_are_followed_and_a_dead_one_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "real", "x.csv")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "y.csv").symlink_to(tmp_path / "real" / "x.csv")
    assert found("linked/*.csv", tmp_path) == [("linked/x.csv", None)]
    assert found("*.csv", tmp_path) == [("y.csv", None)]
    (tmp_path / "z.csv").symlink_to(tmp_path / "gone")
    with pytest.raises(
        DataError, match=r"files \*\.csv: \S+z\.csv is a link to a file that is not"
    ):
        found("*.csv", tmp_path)


def test_folder_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "d/x.csv")
    with pytest.raises(DataError, match=r"files d: is a folder; name its files, as `d/\*\.jsonl`"):
        found("d", tmp_path)

"""The user's own files: paths, globs, splits in their names."""

from __future__ import annotations

from pathlib import Path

from tests.data.check_messages import problems
from tests.support import worlds
from xstilts.data import task_data
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

"""What is wrong between columns."""

from __future__ import annotations

from pathlib import Path

from tests.data.check_messages import problems
from tests.data.reading.tagged_files import tagging
from tests.support import worlds
from xstilts.data.reading.agreement import rows_where
from xstilts.spec.task import Source, Splits


def test_tags_that_are_fewer_than_tokens_are_found(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "t.jsonl", [{"tokens": ["a", "b"], "tags": ["DET"]}])
    task = tagging(
        source=Source(files=("t.jsonl",)),
        languages=("de",),
        splits=Splits(train="train", dev="train"),
    )
    assert "1 rows have more or fewer tags than tokens (first: row 1)" in problems(task, tmp_path)


def test_first_row_is_counted_from_one_in_the_whole_split(tmp_path: Path) -> None:
    good, bad = {"tokens": ["a"], "tags": ["DET"]}, {"tokens": ["a", "b"], "tags": ["DET"]}
    worlds.write_jsonl(tmp_path / "t.jsonl", [*[good] * 6, bad, bad])
    task = tagging(
        source=Source(files=("t.jsonl",)),
        languages=("de",),
        splits=Splits(train="train[:50%]", dev="train[50%:]"),
    )
    found = problems(task, tmp_path)
    assert "(dev, de)" in found or "(for dev)" in found
    assert "2 rows have more or fewer tags than tokens (first: row 7)" in found


def test_counts_of_rows_are_written_with_commas() -> None:
    assert rows_where([False] * 1200 + [True] * 1000, "are bad", 5) == [
        "1,000 rows are bad (first: row 1,205)"
    ]
    assert rows_where([False], "are bad") == []

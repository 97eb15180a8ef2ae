"""What readers share: rows as a source holds them, and lines of a text file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading.raw import Raw, lines
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_file_that_is_not_utf8_raises(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes('{"body": "Käse", "verdict": "bad"}\n'.encode("latin-1"))
    task = worlds.review_task(source=Source(files=("r.jsonl",)), splits=Splits(train="train"))
    with pytest.raises(DataError, match="not UTF-8"):
        task_data.rows(task, "train", None, worlds.context(tmp_path))


def test_lines_are_numbered_from_one_without_mark_and_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\n\n two\x0bstill \nlast")
    assert list(lines(tmp_path / "a.txt")) == [
        (1, "one"),
        (2, ""),
        (3, " two\x0bstill "),
        (4, "last"),
    ]


def test_carriage_returns_end_lines_only_where_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\rtwo\r")
    assert list(lines(tmp_path / "a.txt")) == [(1, "one"), (2, "two")]
    (tmp_path / "a.txt").write_bytes(b"one\rtwo\nthree\r\n")
    assert list(lines(tmp_path / "a.txt")) == [(1, "one\rtwo"), (2, "three")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("aé".encode("utf-16"), r"a\.txt: is UTF-16 text; save it as UTF-8"),
        (b"a\nb\0c\n", r"a\.txt:2: holds a NUL character"),
        (b"a\nb\nc\xe9\n", r"a\.txt:3: not UTF-8 text \(.*, byte 0xe9\); save it as UTF-8"),
    ],
)
def test_file_that_is_no_text_is_told_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(lines(tmp_path / "a.txt"))


def test_lines_of_a_file_that_is_not_there_raise_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt: cannot be read \(No such file"):
        list(lines(tmp_path / "gone.txt"))


def test_sliced_rows_keep_what_the_source_states() -> None:
    raw = Raw(
        table=pa.table({"label": [0, 1, 2]}),
        columns=("label", "other"),
        classes={"label": ("a", "b", "c")},
        untyped=True,
    )
    cut = raw.sliced(1, 3)
    assert cut.table["label"].to_pylist() == [1, 2]
    assert (cut.columns, cut.classes, cut.untyped) == (raw.columns, raw.classes, True)
    assert raw.sliced(2, 9).table.num_rows == 1

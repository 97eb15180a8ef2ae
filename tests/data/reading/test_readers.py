"""One file of any format: values as they are written, and a place for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.reading.tagged_files import tagging
from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_csv_text_stays_text_and_numbers_are_label_ids(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text('body,verdict,other\n2020-01-02,1,x\n"007, ""so""",0,y\n')
    task = worlds.review_task(
        source=Source(files=("r.csv",)), splits=Splits(train="train[:1]", dev="train[1:]")
    )
    where = worlds.context(tmp_path)
    assert task_data.rows(task, "train", None, where)[0] == {"text": "2020-01-02", "label": 1}
    assert task_data.rows(task, "dev", None, where)[0] == {"text": '007, "so"', "label": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", '{"body": "a", "verdict": "bad"}\n{oops\n', r"r\.jsonl:2: not JSON"),
        ("r.jsonl", "[1, 2]\n", r"r\.jsonl:1: is a JSON list; must be one object"),
        (
            "r.jsonl",
            '{"body": "a", "verdict": 1}\n{"body": "a", "verdict": "bad"}\n',
            "several types",
        ),
        ("r.parquet", "no parquet", "no readable Parquet file"),
        ("r.csv", "body,verdict\na,bad,c,d\n", "not a CSV file"),
        ("r.csv", "body,body\na,bad\n", "two columns have the same name"),
        ("r.xlsx", "PK", "names no file format"),
    ],
)
def test_wrong_file_raises_with_its_place(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    task = worlds.review_task(source=Source(files=(name,)), splits=Splits(train="train"))
    with pytest.raises(DataError, match=message):
        task_data.rows(task, "train", None, worlds.context(tmp_path))


def test_conll_with_other_columns_raises_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "train.conll").write_text("Das\tDET\nHaus NOUN\n")
    with pytest.raises(DataError, match=r"train\.conll:2: `Haus NOUN` must be `token TAB tag`"):
        task_data.rows(tagging(), "train", None, worlds.context(tmp_path))

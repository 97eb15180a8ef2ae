"""One file of any format: values as they are written, and a place for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.reading.tagged_files import tagging
from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading import readers
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_csv_text_stays_text_and_numbers_are_label_ids(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text('body,verdict,other\n2020-01-02,1,x\n"007, ""so""",0,y\n')
    task = worlds.review_task(
        source=Source(files=("r.csv",)), splits=Splits(train="train[:1]", dev="train[1:]")
    )
    context = worlds.context(tmp_path)
    assert task_data.rows(task, "train", None, context)[0] == {"text": "2020-01-02", "label": 1}
    assert task_data.rows(task, "dev", None, context)[0] == {"text": '007, "so"', "label": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", '{"body": "a", "verdict": "bad"}\n{oops\n', r"r\.jsonl:2: not JSON"),
        (
            "r.jsonl",
            "[1, 2]\n",
            r"jsonl, item 1 of its array: is a JSON int; must be one",
        ),
        (
            "r.jsonl",
            '{"body": "a", "verdict": 1}\n{"body": "a", "verdict": "bad"}\n',
            "mixes types",
        ),
        ("r.parquet", "no parquet", "not a readable Parquet file"),
        (
            "r.csv",
            "body,verdict\na,bad,c,d\n",
            r"r\.csv:2: has 4 values, but the header has 2",
        ),
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


@pytest.mark.parametrize("name", ["r.jsonl", "r.csv", "r.tsv", "r.parquet"])
def test_same_rows_come_out_of_every_table_format_and_are_counted(
    tmp_path: Path, name: str
) -> None:
    path, rows = tmp_path / name, [{"a": "x", "b": "y, z"}, {"a": "1", "b": "ü"}]
    if name == "r.jsonl":
        worlds.write_jsonl(path, rows)
    elif name == "r.parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        text = 'a,b\nx,"y, z"\n1,ü\n' if name == "r.csv" else "a\tb\nx\ty, z\n1\tü\n"
        path.write_text(text, encoding="utf-8")
    raw = readers.read([path], None, ("b", "gone"))
    assert raw.table.to_pylist() == [{"b": row["b"]} for row in rows]
    assert raw.columns == ("a", "b")
    assert raw.untyped is (name in ("r.csv", "r.tsv"))
    assert readers.count([path], None) == 2


def test_rows_of_several_files_follow_each_other_with_the_columns_of_all(tmp_path: Path) -> None:
    one = worlds.write_jsonl(tmp_path / "1.jsonl", [{"a": "x", "b": 1}])
    two = worlds.write_jsonl(tmp_path / "2.jsonl", [{"a": "y", "c": 2}])
    raw = readers.read([one, two], None, ("a", "c"))
    assert raw.table.to_pylist() == [{"a": "x", "c": None}, {"a": "y", "c": 2}]
    assert raw.columns == ("a", "b", "c")
    assert readers.count([one, two], None) == 2


def test_files_whose_columns_differ_in_type_raise(tmp_path: Path) -> None:
    one = worlds.write_jsonl(tmp_path / "1.jsonl", [{"a": "x"}])
    two = worlds.write_jsonl(tmp_path / "2.jsonl", [{"a": ["x"]}])
    with pytest.raises(
        DataError, match=r"`a` is string in \S+1\.jsonl and list<.+> in \S+2\.jsonl"
    ):
        readers.read([one, two], None, ("a",))


def test_file_format_goes_before_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text('{"a": "x"}\n')
    assert readers.read([tmp_path / "r.txt"], "jsonl", ("a",)).table.to_pylist() == [{"a": "x"}]
    with pytest.raises(DataError, match=r"suffix `\.txt` names no file format"):
        readers.count([tmp_path / "r.txt"], None)

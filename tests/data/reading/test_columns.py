"""Source columns under the roles of the formats, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.task import FormatName, Source, Splits, Task


def rows(folder: Path, format_name: FormatName, given: list[dict[str, Any]], **changes: Any) -> Any:
    """The rows of JSON lines under the roles of a format."""
    worlds.write_jsonl(folder / "r.jsonl", given)
    return read(folder, format_name, "r.jsonl", **changes)


def read(folder: Path, format_name: FormatName, file: str, **changes: Any) -> Any:
    """The rows of one file."""
    fields: dict[str, Any] = {
        "name": "t",
        "format": format_name,
        "metric": "accuracy",
        "source": Source(files=(file,)),
        "splits": Splits(train="train"),
    }
    return task_data.rows(Task(**{**fields, **changes}), "train", None, worlds.context(folder))


# -- regression


def test_regression_labels_are_numbers_of_any_size(tmp_path: Path) -> None:
    given = [{"text": "a", "label": 2}, {"text": "b", "label": -1.5}, {"text": "c", "label": 3.25}]
    found = rows(tmp_path, "regression", given)
    assert found["label"][:] == [2.0, -1.5, 3.25]
    assert found.features["label"].dtype == "float64"


def test_regression_reads_numbers_of_a_csv(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("text,other,label\na,b,2.5\nc,d,1e-1\n")
    found = read(tmp_path, "regression", "r.csv", columns={"text_pair": "other"})
    assert found[:] == {"text": ["a", "c"], "text_pair": ["b", "d"], "label": [2.5, 0.1]}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1.0, None], r"1 rows have no number in column `label` \(first: row 2\)"),
        ([float("nan"), 1.0], r"1 rows have no number in column `label` \(first: row 1\)"),
        (["good", "2"], "every label must be a number"),
        ([[1.0], [2.0]], "every label must be a number"),
    ],
)
def test_regression_label_that_is_no_number_is_a_problem(
    tmp_path: Path, labels: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        rows(tmp_path, "regression", [{"text": "x", "label": one} for one in labels])


# -- mining and dual encoders


def test_mining_sentences_may_lack_a_partner(tmp_path: Path) -> None:
    given = [
        {"source_sentence": "a", "target_sentence": ""},
        {"source_sentence": "", "target_sentence": "b"},
    ]
    assert rows(tmp_path, "mining", given)[:] == {
        "source_sentence": ["a", ""],
        "target_sentence": ["", "b"],
    }


def test_mining_row_without_any_sentence_is_a_problem(tmp_path: Path) -> None:
    given = [
        {"source_sentence": "a", "target_sentence": ""},
        {"source_sentence": " ", "target_sentence": ""},
    ]
    with pytest.raises(
        DataError, match=r"1 rows have neither source_sentence nor target_sentence \(first: row 2\)"
    ):
        rows(tmp_path, "mining", given)


def test_dual_encoder_keys_are_texts_and_the_pair_is_optional(tmp_path: Path) -> None:
    given = [{"q": "a", "c": "b", "key": 7}, {"q": "", "c": "d", "key": 8}]
    found = rows(tmp_path, "dual_encoder", given, columns={"query": "q", "candidate": "c"})
    assert found[:] == {"query": ["a", ""], "candidate": ["b", "d"], "key": ["7", "8"]}
    paired = rows(
        tmp_path,
        "dual_encoder",
        [{"query": "a", "candidate": "b", "candidate_pair": "x", "key": "k"}],
    )
    assert paired[0] == {"query": "a", "candidate": "b", "candidate_pair": "x", "key": "k"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"query": "", "candidate": "", "key": "k"}, "1 rows have neither query nor candidate"),
        ({"query": "a", "candidate": "b", "key": None}, "column `key` is empty in 1 rows"),
        ({"query": "a", "candidate": "b"}, "has no column `key` for key"),
        ({"query": "a", "key": "k"}, "has no column `candidate` for candidate"),
    ],
)
def test_dual_encoder_row_that_cannot_be_used_is_a_problem(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        rows(tmp_path, "dual_encoder", [given])


# -- fields of structures


def test_field_of_a_structure_is_a_column(tmp_path: Path) -> None:
    given = [
        {"q": "where?", "choices": {"label": ["A", "B"], "text": ["here", "there"]}, "key": "B"}
    ]
    columns = {"context": "q", "choices": "choices.text", "label": "key"}
    found = rows(tmp_path, "multiple_choice", given, columns=columns, labels=("A", "B"))
    assert found[0] == {"context": "where?", "choices": ["here", "there"], "label": 1}


def test_field_that_a_structure_lacks_is_a_problem(tmp_path: Path) -> None:
    given = [{"q": "where?", "choices": {"text": ["here"]}, "label": 0}]
    with pytest.raises(DataError, match=r"has no column `choices\.words` for choices"):
        rows(
            tmp_path,
            "multiple_choice",
            given,
            columns={"context": "q", "choices": "choices.words"},
            labels=("A",),
        )


def test_column_with_a_dot_in_its_name_is_itself(tmp_path: Path) -> None:
    assert rows(tmp_path, "masked_lm", [{"a.b": "x"}], columns={"text": "a.b"})[0] == {"text": "x"}


# -- span QA


def test_span_qa_without_ids_is_numbered(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "q.jsonl",
        [{"question": "who?", "context": "I did", "answers": {"text": ["I"], "answer_start": [0]}}],
    )
    task = Task(
        name="q",
        format="span_qa",
        source=Source(files=("q.jsonl",)),
        metric="f1",
        splits=Splits(train="train"),
    )
    (row,) = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert row["id"] == "0"
    assert row["answers"] == {"text": ["I"], "answer_start": [0]}


def test_a_csv_without_a_header_line_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("it rained,2.5\nit was dry,1.0\n")
    with pytest.raises(DataError) as told:
        read(tmp_path, "regression", "r.csv")
    assert (
        "has no column `text` for text; it has it rained, 2.5. If that is its first row, its "
        "header line is missing: write one."
    ) in str(told.value)
    (tmp_path / "r.csv").write_text("text,other\nit rained,2.5\n")
    with pytest.raises(DataError) as told:
        read(tmp_path, "regression", "r.csv")
    assert "header line" not in str(told.value)

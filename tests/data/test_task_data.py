"""Rows of a task from files and mirrors: cut, renamed, labelled, counted, hashed; and all that can
be wrong.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.sources.base_models import model_revision, resolve_model
from xstilts.spec.task import Limits, Source, Splits, Task

CONLL = "# a comment\nDas\tDET\nHaus\tNOUN\n\n\nEs\tPRON\nbrennt\tVERB\n"


def tagging(**changes: Any) -> Task:
    """A tagging task over CoNLL files of two languages."""
    fields: dict[str, Any] = {
        "name": "tags",
        "format": "tagging",
        "source": Source(files=("{language}/{split}.conll",)),
        "labels": ("DET", "NOUN", "PRON", "VERB"),
        "metric": "chunk_f1",
        "languages": ("de", "fr"),
        "language_names": {"fr": "french"},
        "train_language": "de",
        "splits": Splits(train="train", test="train"),
    }
    return Task(**{**fields, **changes})


# --- rows


def test_rows_of_json_lines_have_roles_and_label_ids(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    rows = task_data.rows(task, "train", "en", worlds.context(tmp_path))
    assert rows.column_names == ["text", "label"]
    assert rows[1] == {"text": "w01 w07", "label": 1}
    assert len(rows) == 40


def test_rows_of_a_cut_and_its_rest_are_the_whole_in_order(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    cut = task.model_copy(update={"splits": Splits(train="train[:75%]", dev="train[75%:]")})
    where = worlds.context(tmp_path)
    both = [
        *task_data.rows(cut, "train", None, where)["text"],
        *task_data.rows(cut, "dev", None, where)["text"],
    ]
    assert both == list(task_data.rows(task, "train", None, where)["text"])


def test_rows_of_a_sum_follow_each_other(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path).model_copy(
        update={"splits": Splits(train="dev[:2]+test[1:3]")}
    )
    rows = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert list(rows["text"]) == [
        row["body"] for row in (*worlds.reviews(2, 100), *worlds.reviews(2, 201))
    ]


def test_limit_holds_for_each_language_and_takes_the_front(tmp_path: Path) -> None:
    for language in ("de", "french"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "train.conll").write_text(CONLL)
    task = tagging(train_language=("de", "fr"), limits=Limits(train=1))
    where = worlds.context(tmp_path)
    assert len(task_data.rows(task, "train", None, where)) == 2
    assert task_data.sizes(task, "train", None, where) == 2
    assert task_data.rows(task, "train", "fr", where)[0] == {
        "tokens": ["Das", "Haus"],
        "tags": [0, 1],
    }


def test_csv_text_stays_text_and_numbers_are_label_ids(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text('body,verdict,other\n2020-01-02,1,x\n"007, ""so""",0,y\n')
    task = worlds.review_task(
        source=Source(files=("r.csv",)), splits=Splits(train="train[:1]", dev="train[1:]")
    )
    where = worlds.context(tmp_path)
    assert task_data.rows(task, "train", None, where)[0] == {"text": "2020-01-02", "label": 1}
    assert task_data.rows(task, "dev", None, where)[0] == {"text": '007, "so"', "label": 0}


def test_globs_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, start in (("b", 10), ("a", 0), ("c", 20)):
        worlds.write_jsonl(tmp_path / "parts" / f"{name}.jsonl", worlds.reviews(2, start))
    task = worlds.review_task(source=Source(files=("parts/*.jsonl",)), splits=Splits(train="train"))
    rows = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert [text[:3] for text in rows["text"]] == ["w00", "w01", "w10", "w11", "w20", "w21"]


def test_choices_are_gathered_from_columns_and_lists(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "c.jsonl", [{"p": "It rained.", "q": "cause", "a": "x", "b": "y", "l": 1}]
    )
    task = Task(
        name="why",
        format="multiple_choice",
        source=Source(files=("c.jsonl",)),
        metric="accuracy",
        columns={"context": "p", "question": "q", "choices": "a, b", "label": "l"},
        splits=Splits(train="train"),
        labels=("a", "b"),
    )
    (row,) = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert row == {"context": "It rained.", "question": "cause", "choices": ["x", "y"], "label": 1}


def test_hidden_labels_are_dropped_before_the_limit(tmp_path: Path) -> None:
    rows = [{"body": f"w{i:02d}", "verdict": -1 if i % 2 else 1} for i in range(8)]
    worlds.write_jsonl(tmp_path / "r.jsonl", rows)
    task = worlds.review_task(
        source=Source(files=("r.jsonl",)), splits=Splits(train="train"), limits=Limits(train=3)
    )
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path))["text"]) == [
        "w00",
        "w02",
        "w04",
    ]


def test_labels_that_are_numbers_are_names_where_the_table_says_so(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "r.jsonl", [{"body": "w", "verdict": "2"}, {"body": "w", "verdict": " 1 "}]
    )
    task = worlds.review_task(
        source=Source(files=("r.jsonl",)), splits=Splits(train="train"), labels=("1", "2")
    )
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path))["label"]) == [1, 0]


def test_stated_label_names_are_looked_up_in_the_task_order(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("c", "train"): {"text": ["a", "b"], "label": [0, 1]}}, features
    )
    task = Task(
        name="t",
        format="classification",
        source=Source(hub="o/d", config="c"),
        metric="accuracy",
        labels=("yes", "no"),
        splits=Splits(train="train"),
    )
    assert list(task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))["label"]) == [
        1,
        0,
    ]


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


# --- problems


def problems(
    task: Task, folder: Path, action: task_data.Action = "train", mirror: Path | None = None
) -> str:
    """What `check` finds, as one text; the rows raise the same."""
    found = task_data.check(task, action, worlds.context(folder, mirror))
    return "\n".join(found)


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
    assert "column `body` is empty in 1 rows (first: row 0)" in found


def test_missing_split_names_those_that_exist_and_how_to_cut(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("default", "validation"): {"text": ["a"], "label": [0]}}
    )
    task = worlds.review_task(source=Source(hub="o/d"), columns={})
    with pytest.raises(DataError, match="has no split `train`; it has `validation`") as error:
        task_data.rows(task, "train", None, worlds.context(tmp_path, mirror))
    assert 'splits: {train: "validation[:80%]"' in str(error.value)


def test_missing_dataset_names_the_nearest_and_the_command(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "org/reviews", {("default", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(worlds.review_task(source=Source(hub="org/reviwes")), tmp_path, mirror=mirror)
    assert "not in the mirror" in found
    assert "; nearest: org/reviews" in found
    assert f"xstilts fetch SWEEP --mirror {mirror}" in found


def test_missing_language_is_told_once_with_those_that_exist(tmp_path: Path) -> None:
    columns = {"text": ["a"], "label": [0]}
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("x.de", "test"): columns, ("x.en", "test"): columns}
    )
    task = worlds.review_task(
        source=Source(hub="o/d", config="x.{language}"),
        columns={},
        languages=("en", "sw", "th", "de"),
    )
    (found,) = task_data.check(task, "evaluate", worlds.context(tmp_path, mirror))
    assert "of this task's languages it has en, de" in found
    assert "[so in 2 languages: sw, th]" in found


def test_missing_configuration_lists_them(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(
        tmp_path, "o/d", {("alpha", "train"): {"text": ["a"], "label": [0]}}
    )
    found = problems(
        worlds.review_task(source=Source(hub="o/d", config="alhpa")), tmp_path, mirror=mirror
    )
    assert "has no configuration `alhpa`; nearest: alpha; it has alpha" in found


def test_many_languages_from_one_configuration_is_refused(tmp_path: Path) -> None:
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "test"): {"text": ["a"], "label": [0]}})
    task = worlds.review_task(
        source=Source(hub="o/d", config="c"), columns={}, languages=("de", "fr")
    )
    assert "one configuration cannot serve" in problems(task, tmp_path, "evaluate", mirror)


def test_many_languages_from_one_file_is_refused(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    assert "put `{language}` into the path" in problems(
        worlds.review_task(languages=("en", "fr")), tmp_path
    )


def test_empty_split_says_that_it_holds_no_rows(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(splits=Splits(train="train[50:60]", dev="dev"))
    assert "`train[50:60]` (for train): holds no rows" in problems(task, tmp_path)


def test_missing_files_name_the_folder(tmp_path: Path) -> None:
    found = problems(worlds.review_task(), tmp_path)
    assert "nothing there" in found
    assert str(tmp_path) in found


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


def test_file_that_is_not_utf8_raises(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes('{"body": "Käse", "verdict": "bad"}\n'.encode("latin-1"))
    task = worlds.review_task(source=Source(files=("r.jsonl",)), splits=Splits(train="train"))
    with pytest.raises(DataError, match="not UTF-8"):
        task_data.rows(task, "train", None, worlds.context(tmp_path))


def test_conll_with_other_columns_raises_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "train.conll").write_text("Das\tDET\nHaus NOUN\n")
    with pytest.raises(DataError, match=r"train\.conll:2: `Haus NOUN` must be `token TAB tag`"):
        task_data.rows(tagging(), "train", None, worlds.context(tmp_path))


def test_tags_that_are_fewer_than_tokens_are_found(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "t.jsonl", [{"tokens": ["a", "b"], "tags": ["DET"]}])
    task = tagging(
        source=Source(files=("t.jsonl",)),
        languages=("de",),
        splits=Splits(train="train", dev="train"),
    )
    assert "1 rows have more or fewer tags than tokens (first: row 0)" in problems(task, tmp_path)


def test_answers_that_stand_nowhere_are_found_and_wrong_starts_are_none(tmp_path: Path) -> None:
    rows = [
        {"question": "who?", "context": "Not I", "answers": {"text": [text], "answer_start": [0]}}
        for text in ("I", "you")
    ]
    task = Task(
        name="q",
        format="span_qa",
        source=Source(files=("q.jsonl",)),
        metric="f1",
        splits=Splits(test="train"),
    )
    worlds.write_jsonl(tmp_path / "q.jsonl", rows[:1])
    assert problems(task, tmp_path, "evaluate") == ""
    worlds.write_jsonl(tmp_path / "q.jsonl", rows)
    found = problems(task, tmp_path, "evaluate")
    assert "1 rows have answers of which none stands in its context (first: row 1)" in found


def test_label_beyond_the_choices_is_found(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "c.jsonl", [{"context": "x", "choices": ["a", "b"], "label": 2}])
    task = Task(
        name="c",
        format="multiple_choice",
        source=Source(files=("c.jsonl",)),
        metric="accuracy",
        splits=Splits(test="train"),
    )
    assert "have a label beyond their choices" in problems(task, tmp_path, "evaluate")


def test_train_task_is_named_where_a_task_has_no_training_rows(tmp_path: Path) -> None:
    task = worlds.review_task(splits=Splits(test="test"), train_task="squad")
    assert "it is trained on `squad`" in problems(task, tmp_path)


def test_missing_dev_says_what_it_is_for(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    assert "dev, which chooses checkpoints" in problems(
        worlds.review_task(splits=Splits(train="train")), tmp_path
    )


# --- sizes and revisions


def test_sizes_follow_cut_and_limit(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    where = worlds.context(tmp_path)
    cut = task.model_copy(
        update={"splits": Splits(train="train[:25%]+dev", test="test"), "limits": Limits(test=4)}
    )
    assert (
        task_data.sizes(cut, "train", None, where)
        == 20
        == len(task_data.rows(cut, "train", None, where))
    )
    assert task_data.sizes(cut, "test", "en", where) == 4


def test_revision_follows_content_alone(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    where = worlds.context(tmp_path)
    first = task_data.revision(task, "train", where)
    moved = tmp_path / "elsewhere"
    worlds.review_world(moved)
    assert task_data.revision(task, "train", worlds.context(moved)) == first
    train = tmp_path / "reviews" / "train.jsonl"
    os.utime(train, (1, 1))
    assert task_data.revision(task, "train", where) == first
    worlds.write_jsonl(train, worlds.reviews(40, 1))
    assert task_data.revision(task, "train", where) != first


def test_revision_of_a_training_ignores_the_test_file(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    where = worlds.context(tmp_path)
    train, evaluate = (
        task_data.revision(task, "train", where),
        task_data.revision(task, "evaluate", where),
    )
    worlds.write_jsonl(tmp_path / "reviews" / "test.jsonl", worlds.reviews(3))
    assert task_data.revision(task, "train", where) == train
    assert task_data.revision(task, "evaluate", where) != evaluate


def test_revision_of_a_damaged_memory_is_hashed_anew(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    where = worlds.context(tmp_path)
    first = task_data.revision(task, "train", where)
    memory = next(Path(where.cache).glob("*.json"))
    memory.write_text("[tru")
    assert task_data.revision(task, "train", where) == first


# --- models


def test_model_folder_is_found_and_hashed_by_content(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    where = worlds.context(tmp_path, tmp_path)
    assert resolve_model("org/m", where) == str(folder)
    first = model_revision("org/m", where)
    assert model_revision("./models/org/m", where) == first
    (folder / "README.md").write_text("words")
    assert model_revision("org/m", where) == first
    (folder / "model.safetensors").write_bytes(b"heavier")
    assert model_revision("org/m", where) != first


def test_model_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(DataError, match="no safetensors weights"):
        model_revision("org/m", worlds.context(tmp_path, tmp_path))


def test_model_missing_in_a_mirror_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(DataError, match="xstilts fetch SWEEP --mirror"):
        resolve_model("org/m", worlds.context(tmp_path, tmp_path))


def test_hub_out_of_reach_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DataError, match=r"cannot be reached .* fill a mirror"):
        model_revision("nobody/nothing-of-the-kind", worlds.context(tmp_path))
    assert "cannot be reached" in problems(
        worlds.review_task(source=Source(hub="nobody/no-such-data")), tmp_path
    )

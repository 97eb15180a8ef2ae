"""Label tables that the data give: what is in them, what is not, and that they are found once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading import sources
from xstilts.data.reading.labels import open_table
from xstilts.errors import DataError
from xstilts.formats import tagging
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import UNSEEN, Limits, Source, Splits, Task

CCG = {"train": "a\tNP\nb\tS\\NP\n\nc\tN\n", "dev": "d\tN/N\n", "test": "a\tNP\ne\tPP\n"}


def supertags(folder: Path, **changes: Any) -> Task:
    """A tagging task without a table, over CoNLL files of the user."""
    for split, text in CCG.items():
        (folder / f"{split}.conll").write_text(text)
    fields: dict[str, Any] = {
        "name": "ccg",
        "format": "tagging",
        "source": Source(files=("{split}.conll",)),
        "metric": "token_accuracy",
        "splits": Splits(train="train", dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


def test_table_is_sorted_and_open() -> None:
    assert open_table(["S", "N", "NP", "N"]) == ("N", "NP", "S", UNSEEN)
    assert open_table(["10", "9", "1"]) == ("1", "9", "10", UNSEEN)


def test_labels_are_those_of_training_and_development_rows(tmp_path: Path) -> None:
    found = task_data.with_labels(supertags(tmp_path), worlds.context(tmp_path))
    assert found.labels == ("N", "N/N", "NP", "S\\NP", UNSEEN)


def test_rows_need_no_stated_table(tmp_path: Path) -> None:
    task, context = supertags(tmp_path), worlds.context(tmp_path)
    assert task_data.rows(task, "train", None, context)["tags"][:] == [[2, 3], [0]]
    assert task_data.check(task, "train", context) == []


def test_unseen_tag_of_a_test_row_is_kept_as_a_mistake(tmp_path: Path) -> None:
    task, context = supertags(tmp_path), worlds.context(tmp_path)
    assert task_data.check(task, "evaluate", context) == []
    assert task_data.rows(task, "test", "en", context)["tags"][:] == [[2, 4]]
    split = task_data.encoded(
        task, "test", "en", worlds.tokenizer(), Hyperparameters(max_length_tokens=16), context
    )
    resolved = task_data.with_labels(task, context)
    # Both words are said to be NP (id 2): the second one's own tag is outside the table, so one of
    # two is right.
    logits = np.zeros((4, 5), dtype=np.float32)
    logits[:, 2] = 1
    table = tagging.decode([logits], split, resolved)
    assert (table["tokens_correct"], table["tokens"]) == ([1], [2])


def test_limits_do_not_shorten_the_table(tmp_path: Path) -> None:
    task = supertags(tmp_path, limits=Limits(train=1))
    assert "N" in task_data.with_labels(task, worlds.context(tmp_path)).labels


def test_table_is_found_once_for_the_same_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, context = supertags(tmp_path), worlds.context(tmp_path)
    first = task_data.with_labels(task, context)
    with monkeypatch.context() as patch:
        patch.setattr(sources, "read", None)
        assert task_data.with_labels(task, context) == first
    (tmp_path / "dev.conll").write_text("d\tX\n")
    assert task_data.with_labels(task, context).labels == ("N", "NP", "S\\NP", "X", UNSEEN)


def test_task_that_states_labels_or_has_no_training_rows_stays(tmp_path: Path) -> None:
    context = worlds.context(tmp_path)
    stated, untrained = (
        supertags(tmp_path, labels=("N",)),
        supertags(tmp_path, splits=Splits(test="test")),
    )
    assert task_data.with_labels(stated, context) is stated
    assert task_data.with_labels(untrained, context) is untrained


def test_label_outside_a_stated_table_stays_a_problem(tmp_path: Path) -> None:
    task = supertags(tmp_path, labels=("N", "NP", "S\\NP"))
    (problem,) = task_data.check(task, "evaluate", worlds.context(tmp_path))
    assert "labels outside the table [N, NP, S\\NP]: PP" in problem


def test_labels_are_the_names_that_the_source_states(tmp_path: Path) -> None:
    import datasets

    tags = datasets.Sequence(datasets.ClassLabel(names=["O", "B-X", "never"]))
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "tags": tags}
    )
    columns = {"tokens": [["a", "b"]], "tags": [[1, 0]]}
    mirror = worlds.write_mirror(tmp_path, "o/d", {("c", "train"): columns}, features)
    task = supertags(tmp_path, source=Source(hub="o/d"), splits=Splits(train="train"))
    context = worlds.context(tmp_path, mirror)
    assert task_data.with_labels(task, context).labels == ("B-X", "O", UNSEEN)
    assert task_data.rows(task, "train", None, context)["tags"][:] == [[0, 1]]


def test_classification_numbers_and_hidden_labels(tmp_path: Path) -> None:
    rows = [{"body": "w", "verdict": one} for one in (3, 10, -1, 3)]
    worlds.write_jsonl(tmp_path / "r.jsonl", rows)
    task = worlds.review_task(
        source=Source(files=("r.jsonl",)), labels=(), splits=Splits(train="train")
    )
    context = worlds.context(tmp_path)
    assert task_data.with_labels(task, context).labels == ("3", "10", UNSEEN)
    assert task_data.rows(task, "train", None, context)["label"][:] == [0, 1, 0]


def test_union_without_a_table_has_the_labels_of_its_parts(tmp_path: Path) -> None:
    part = supertags(tmp_path)
    whole = supertags(tmp_path, source=Source(union=True), parts=(part, part), splits=Splits())
    context = worlds.context(tmp_path)
    assert (
        task_data.with_labels(whole, context).labels == task_data.with_labels(part, context).labels
    )
    assert task_data.rows(whole, "train", None, context)["tags"][:] == [[2, 3], [0], [2, 3], [0]]


def test_target_without_a_table_takes_that_of_its_training_task(tmp_path: Path) -> None:
    (tmp_path / "own.conll").write_text("a\tVB\n")
    source = supertags(tmp_path)
    target = supertags(
        tmp_path,
        name="target",
        train_task="ccg",
        splits=Splits(train="own", dev="own", test="test"),
    )
    context = worlds.context(tmp_path)
    assert (
        task_data.with_labels(target, context) is target
    )  # its own training rows are not what it is trained on
    found = task_data.sweep_labels((target, source), context)
    assert found[0].labels == found[1].labels == ("N", "N/N", "NP", "S\\NP", UNSEEN)
    assert task_data.check(found[0], "evaluate", context) == []


def test_target_that_shares_no_label_with_its_training_task_is_told(tmp_path: Path) -> None:
    target = supertags(tmp_path, name="target", train_task="ccg", splits=Splits(test="own"))
    (tmp_path / "own.conll").write_text("a\tVB\nb\tNN\n")
    context = worlds.context(tmp_path)
    found, _ = task_data.sweep_labels((target, supertags(tmp_path)), context)
    (problem,) = task_data.check(found, "evaluate", context)
    assert problem.startswith(
        "task target (test, en): none of its labels occurs in its training rows (N, N/N"
    )


def test_missing_column_or_file_is_told(tmp_path: Path) -> None:
    task, context = supertags(tmp_path, columns={"tags": "supertags"}), worlds.context(tmp_path)
    with pytest.raises(
        DataError, match="has no column `supertags` to take the labels from; it has tokens, tags"
    ):
        task_data.with_labels(task, context)
    gone = supertags(
        tmp_path, source=Source(files=("gone/{split}.conll",)), obtain="CCGbank is licensed."
    )
    (problem,) = task_data.check(gone, "train", context)
    assert problem.startswith("task ccg: files gone/{split}.conll: nothing there")
    assert "CCGbank is licensed" in problem


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

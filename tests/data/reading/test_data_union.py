"""Unions of tasks: rows leaf after leaf, labels by name, limits of parts and of the whole, what
names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.sweep import Hyperparameters
from xstilts.spec.task import Limits, Source, Splits, Task

SPLITS = Splits(train="train", dev="train", test="train")


def part(folder: Path, name: str, labels: tuple[str, ...], rows: int, **changes: Any) -> Task:
    """A task over `<name>.jsonl` with `rows` rows; row i has label id i modulo the labels."""
    made = [{"a": f"{name}{i}", "b": f"w{i:02d}", "label": i % len(labels)} for i in range(rows)]
    worlds.write_jsonl(folder / f"{name}.jsonl", made)
    fields: dict[str, Any] = {
        "name": name,
        "format": "classification",
        "labels": labels,
        "metric": "accuracy",
        "splits": SPLITS,
        "columns": {"text": "a", "text_pair": "b"},
        "source": Source(files=(f"{name}.jsonl",)),
    }
    return Task(**{**fields, **changes})


def union(*parts: Task, **changes: Any) -> Task:
    """The union of `parts` with the labels no, maybe, yes."""
    fields: dict[str, Any] = {
        "name": "all",
        "format": "classification",
        "labels": ("no", "maybe", "yes"),
        "metric": "accuracy",
        "source": Source(union=True),
        "parts": parts,
    }
    return Task(**{**fields, **changes})


def test_rows_follow_part_after_part_with_labels_by_name(tmp_path: Path) -> None:
    first, second = (
        part(tmp_path, "x", ("yes", "no"), 3),
        part(tmp_path, "y", ("no", "maybe", "yes"), 3),
    )
    rows = task_data.rows(union(first, second), "train", None, worlds.context(tmp_path))
    assert list(rows["text"]) == ["x0", "x1", "x2", "y0", "y1", "y2"]
    # x's ids 0, 1, 0 are yes, no, yes: 2, 0, 2 in the union's table.
    assert list(rows["label"]) == [2, 0, 2, 0, 1, 2]


def test_limits_of_parts_come_before_that_of_the_union(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "maybe", "yes"), 5, limits=Limits(train=2))
    second = part(tmp_path, "y", ("no", "maybe", "yes"), 5, splits=Splits(train="train[1:]"))
    whole, where = union(first, second, limits=Limits(train=3)), worlds.context(tmp_path)
    assert list(task_data.rows(whole, "train", None, where)["text"]) == ["x0", "x1", "y1"]
    assert task_data.sizes(whole, "train", None, where) == 3
    assert task_data.sizes(union(first, second), "train", None, where) == 6


def test_part_without_labels_has_those_of_the_union(tmp_path: Path) -> None:
    plain = part(tmp_path, "x", ("no", "maybe", "yes"), 3).model_copy(update={"labels": ()})
    assert list(task_data.rows(union(plain), "train", None, worlds.context(tmp_path))["label"]) == [
        0,
        1,
        2,
    ]


def test_tags_of_parts_are_mapped_by_name(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "x.jsonl",
        [{"tokens": ["a", "b"], "tags": [0, 1]}, {"tokens": ["c"], "tags": [1]}],
    )
    worlds.write_jsonl(tmp_path / "y.jsonl", [{"tokens": ["d"], "tags": ["O"]}])
    parts = [
        Task(
            name=n,
            format="tagging",
            labels=("O", "B-X"),
            metric="chunk_f1",
            splits=SPLITS,
            source=Source(files=(f"{n}.jsonl",)),
        )
        for n in ("x", "y")
    ]
    whole = union(*parts, format="tagging", labels=("B-X", "O"), metric="chunk_f1")
    assert list(task_data.rows(whole, "train", None, worlds.context(tmp_path))["tags"]) == [
        [1, 0],
        [0],
        [1],
    ]


def test_label_that_the_union_lacks_is_a_problem(tmp_path: Path) -> None:
    whole = union(part(tmp_path, "x", ("no", "never"), 2))
    (problem, *_) = task_data.check(whole, "train", worlds.context(tmp_path))
    assert (
        "task all, part x: has labels that all lacks: never; must be among [no, maybe, yes]"
        in problem
    )


def test_parts_with_different_roles_are_a_problem(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 2)
    second = part(tmp_path, "y", ("no", "yes"), 2, columns={"text": "a"})
    with pytest.raises(
        DataError, match="different roles: text, text_pair, label against text, label"
    ):
        task_data.rows(union(first, second), "train", None, worlds.context(tmp_path))


def test_problems_of_all_parts_are_told_with_their_names(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 2, columns={"text": "c"})
    second = part(tmp_path, "y", ("no", "yes"), 2).model_copy(
        update={"splits": Splits(train="gone")}
    )
    found = "\n".join(task_data.check(union(first, second), "train", worlds.context(tmp_path)))
    assert (
        "task all, part x: files x.jsonl, split train (for train): has no column `c` for text"
        in found
    )
    assert "task all, part y (train): files y.jsonl: has no split `gone`" in found
    assert "task all, part y has no split for dev, which chooses checkpoints" in found


def test_part_with_a_transform_of_its_own_is_refused(tmp_path: Path) -> None:
    from xstilts.spec.task import Pseudo, Transform

    own = part(tmp_path, "x", ("no", "yes"), 2, transform=Transform(pseudo=Pseudo()))
    with pytest.raises(DataError, match="a part's own transform is not applied"):
        task_data.rows(union(own), "train", None, worlds.context(tmp_path))


def test_language_comes_from_the_parts_that_have_it(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 1)
    second = part(tmp_path, "y", ("no", "yes"), 1, train_language="de", languages=("de",))
    whole, where = union(first, second, train_language=("de", "en")), worlds.context(tmp_path)
    rows = task_data.rows(whole, "train", None, where)
    assert list(zip(rows["text"], rows["language"], strict=True)) == [("y0", "de"), ("x0", "en")]
    with pytest.raises(DataError, match="none of its parts has train rows in language fr"):
        task_data.rows(whole, "train", "fr", where)


def test_revision_and_encoded_form_see_every_part(tmp_path: Path) -> None:
    where, hyper = worlds.context(tmp_path), Hyperparameters(max_length_tokens=16)
    whole = union(part(tmp_path, "x", ("no", "yes"), 2), part(tmp_path, "y", ("no", "yes"), 2))
    first = task_data.revision(whole, "train", where), task_data.revision(whole, "evaluate", where)
    split = task_data.encoded(whole, "train", None, worlds.tokenizer(), hyper, where)
    assert list(split.rows["text"]) == ["x0", "x1", "y0", "y1"]
    worlds.write_jsonl(tmp_path / "y.jsonl", [{"a": "new", "b": "w", "label": 1}])
    assert task_data.revision(whole, "train", where) != first[0]
    assert task_data.revision(whole, "evaluate", where) != first[1]
    split = task_data.encoded(whole, "train", None, worlds.tokenizer(), hyper, where)
    assert list(split.rows["text"]) == ["x0", "x1", "new"]

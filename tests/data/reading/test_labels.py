"""Label tables that the data give: what is in them, what is not, and that they are found once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.data.reading.role_tables import good, raw_of, roles, task_of
from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading import sources
from xstilts.data.reading.labels import counts, names_in, open_table
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


@pytest.mark.parametrize("damage", ["", "{", '"abc"', "3", '["N", 1]', '{"N": 1}'])
def test_damaged_table_that_was_kept_is_found_again(tmp_path: Path, damage: str) -> None:
    task, context = supertags(tmp_path), worlds.context(tmp_path)
    first = task_data.with_labels(task, context)
    (file,) = (Path(context.cache) / "labels").iterdir()
    file.write_text(damage)
    assert task_data.with_labels(task, context) == first


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


# -- one column


def labels_of(
    values: Any, table: tuple[str, ...], *, format_name: Any = "classification", **raw: Any
) -> list[str]:
    """The labels of a column by the names that they get, `-` where left out; or its problem."""
    columns: dict[str, Any] = {"label": values}
    if format_name == "multiple_choice":
        columns |= {"context": ["x"] * len(values), "choices": [["a", "b", "c"]] * len(values)}
    else:
        columns["text"] = ["x"] * len(values)
    read = roles(columns, format_name, raw=raw, labels=table)
    if read.problems:
        return read.problems
    return [table[one] if table else str(one) for one in good(read)["label"].to_pylist()]


TEXTS, TRUTH = ("no", "yes"), ("true", "false")


@pytest.mark.parametrize(
    ("values", "table", "names"),
    [
        ([True, False], TRUTH, ["true", "false"]),
        ([True, False], ("False", "True"), ["True", "False"]),
        ([True], ("TRUE", "true"), ["true"]),
        ([1, 0], TEXTS, ["yes", "no"]),
        ([1.0, 0.0, -0.0], TEXTS, ["yes", "no", "no"]),
        ([" yes ", "no"], TEXTS, ["yes", "no"]),
        ([2, 1], ("1", "2"), ["2", "1"]),
        ([2.0, 1.5], ("1.5", "2"), ["2", "1.5"]),
        ([1, 3], ("3.0", "2.0", "1.0"), ["1.0", "3.0"]),
        ([-1, 0, 1], ("-1", "0", "1"), ["-1", "0", "1"]),
        (["-1", "1"], ("1", "-1"), ["-1", "1"]),
        ([1, -1, 0], TEXTS, ["yes", "no"]),
    ],
)
def test_label_is_looked_up_by_its_name(
    values: list[Any], table: tuple[str, ...], names: list[str]
) -> None:
    assert labels_of(values, table) == names


@pytest.mark.parametrize(
    ("values", "table", "names"),
    [
        (["1", "0"], TEXTS, ["yes", "no"]),
        (["1.0", "-1", "0"], TEXTS, ["yes", "no"]),
        (["-1", "1.0"], ("1", "-1"), ["-1", "1"]),
        (["2", "1.0"], ("1", "2"), ["2", "1"]),
    ],
)
def test_digits_of_a_csv_are_numbers(
    values: list[str], table: tuple[str, ...], names: list[str]
) -> None:
    assert labels_of(values, table, untyped=True) == names


@pytest.mark.parametrize(
    ("values", "table", "message"),
    [
        ([True, False], ("1", "0"), "holds truth values (first: row 1), which are the labels"),
        ([True], ("True", "TRUE"), "the table [True, TRUE] lacks them"),
        (["0", "1"], TEXTS, "labels outside the table [no, yes]: 0, 1 (first: row 1)"),
        ([0, 2], ("1", "2"), "labels outside the table [1, 2]: 0 (first: row 1)"),
        ([0], ("1", "0.5", "many"), "labels outside the table [1, 0.5, many]: 0"),
        ([1], ("1.0", "1.00"), "labels outside the table"),
        ([0.5], TEXTS, "labels outside the table [no, yes]: 0.5"),
        ([2**62, 0], TEXTS, "labels outside the table [no, yes]: 4611686018427387904"),
        (["Yes"], TEXTS, ": Yes (first: row 1); nearest: yes"),
        (["no", None], TEXTS, "column `label` is empty in 1 places (first: row 2)"),
        ([None, None], TEXTS, "column `label` is empty in 2 places (first: row 1)"),
        ([0.0, float("nan")], TEXTS, "column `label` is empty in 1 places (first: row 2)"),
        (["no", " "], TEXTS, "column `label` is empty in 1 places (first: row 2)"),
        ([["no"], ["yes"]], TEXTS, "column `label` holds list<item: string>; must hold a label"),
        ([{"a": 1}], TEXTS, "column `label` holds struct<a: int64>; must hold a label"),
        ([b"no"], TEXTS, "column `label` holds binary; must hold a label"),
        ([-2], TEXTS, "labels outside the table [no, yes]: -2"),
    ],
)
def test_label_that_has_no_name_in_the_table_is_an_error(
    values: list[Any], table: tuple[str, ...], message: str
) -> None:
    (problem,) = labels_of(values, table)
    assert message in problem


@pytest.mark.parametrize("text", ["\u00b2", "01", "-0", "9" * 5000, "1e3", "0x1", "\u0661"])
def test_text_of_a_csv_that_is_no_plain_number_is_no_id(text: str) -> None:
    (problem,) = labels_of([text], TEXTS, untyped=True)
    assert "labels outside the table [no, yes]" in problem
    assert len(problem) < 300


def test_digits_beside_names_are_no_ids() -> None:
    (problem,) = labels_of(["yes", "0"], TEXTS, untyped=True)
    assert "labels outside the table [no, yes]: 0 (first: row 2)" in problem
    assert labels_of(["yes", "-1"], TEXTS, untyped=True) == ["yes"], "but -1 is hidden"


def test_null_is_a_hidden_label_only_where_the_source_hides_labels() -> None:
    columns = {"text": ["a", "b", "c"], "label": ["yes", None, "no"]}
    stated = {"classes": {"label": TEXTS}, "hidden": frozenset({"label"})}
    read = roles(columns, "classification", raw=stated, labels=TEXTS)
    assert good(read)["label"].to_pylist() == [1, 0]
    assert read.left_out == {"rows with a hidden label (-1)": 1}
    assert roles(columns, "classification", labels=TEXTS).problems


def test_choice_without_a_table_is_a_number() -> None:
    assert labels_of([2, 0], (), format_name="multiple_choice") == ["2", "0"]
    assert labels_of(["2"], (), format_name="multiple_choice", untyped=True) == ["2"]
    (problem,) = labels_of([True], (), format_name="multiple_choice")
    assert "holds truth values" in problem
    (problem,) = labels_of([2.0**63], (), format_name="multiple_choice")
    assert "labels outside the table, which is empty: 9.2" in problem
    (problem,) = labels_of(["2"], (), format_name="multiple_choice")
    assert "labels outside the table, which is empty: 2" in problem


def test_choice_without_a_table_is_the_place_of_its_name_in_the_source() -> None:
    stated = {"classes": {"label": ("C", "A", "B")}}
    values = ["A", "C", "B"]
    assert labels_of(values, (), format_name="multiple_choice", **stated) == ["1", "0", "2"]


def test_tag_outside_the_table_names_its_row_not_its_place() -> None:
    columns = {"tokens": [["a", "b"], ["c"]], "tags": [["O", "O"], ["X"]]}
    (problem,) = roles(columns, "tagging", labels=("O",)).problems
    assert "labels outside the table [O]: X (first: row 2)" in problem
    hidden = {"tokens": [["a"]], "tags": [[-1]]}
    (problem,) = roles(hidden, "tagging", labels=("O",)).problems
    assert "labels outside the table [O]: -1" in problem


def test_numbers_are_no_ids_of_a_table_that_the_data_gave() -> None:
    columns = {"text": ["a", "b"], "label": [0, 1]}
    table = good(roles(columns, "classification", labels=("no", "yes", UNSEEN)))
    assert table["label"].to_pylist() == [2, 2]


def names(values: Any, **raw: Any) -> set[str]:
    """The labels that an open table takes from a column."""
    given = raw_of({"label": values}, **raw)
    return names_in(given.table["label"], "label", given, tags=False)


def test_open_table_holds_names_of_values_of_every_type() -> None:
    assert names([True, False]) == {"true", "false"}
    assert names([2.0, None, -1.0]) == {"2"}
    assert names(["a ", " ", None]) == {"a"}
    assert names(["-1", "1"], untyped=True) == {"1"}
    assert names(["-1", "1"]) == {"-1", "1"}
    with pytest.raises(DataError, match="column `label` holds list"):
        names([["a"]])


def test_open_table_with_digits_that_are_no_number_is_sorted_as_text() -> None:
    assert open_table(["\u00b2", "1"]) == ("1", "\u00b2", UNSEEN)


def test_list_of_labels_is_told_for_a_table_that_the_data_give(tmp_path: Path) -> None:
    worlds.write_jsonl(tmp_path / "r.jsonl", [{"body": "w", "verdict": ["good"]}])
    task = worlds.review_task(
        source=Source(files=("r.jsonl",)), labels=(), splits=Splits(train="train")
    )
    (problem,) = task_data.check(task, "train", worlds.context(tmp_path))
    assert problem.startswith("task reviews: files r.jsonl, split train: column `verdict` holds")


def test_labels_are_counted_in_the_order_of_their_ids_with_those_that_do_not_occur() -> None:
    classes = pa.table({"label": [1, 1, 0]})
    task = task_of("classification", labels=("no", "yes", "perhaps"))
    assert list(counts(classes, task).items()) == [("no", 1), ("yes", 2), ("perhaps", 0)]
    tags = pa.table({"tags": [[0, 0], [], [1]]})
    assert counts(tags, task_of("tagging", labels=("O", "B-X"))) == {"O": 2, "B-X": 1}
    assert counts(pa.table({"label": [1.0]}), task_of("regression")) == {}
    assert counts(pa.table({"label": [1]}), task_of("multiple_choice")) == {}

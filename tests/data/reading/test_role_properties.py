"""Rows of any kind, in any order: labels keep their names, no row is lost without a count, and a
column of a wrong type is told and never a crash.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings, strategies as st

from tests.data.reading.role_tables import good, roles
from tests.support import worlds
from xstilts.data import looked, task_data
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.task import UNSEEN, Source, Splits, Task, Use

quickly = settings(derandomize=True, deadline=None, max_examples=40, database=None)

TABLES: dict[str, tuple[str, ...]] = {
    "words": ("neg", "neutral", "pos"),
    "truth": ("false", "true"),
    "Truth": ("True", "False"),
    "digits": ("0", "1", "2"),
    "signed": ("-1", "0", "1"),
    "decimals": ("1.0", "2.0", "2.5"),
}
COLUMNS = {"text": "text", "label": "label"}
orders = st.sampled_from(sorted(TABLES)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.permutations(TABLES[kind]))
)


def written(kind: str, names: list[str], way: str) -> list[Any]:
    """Label names as a source may write them."""
    if way == "values" and kind in ("truth", "Truth"):
        return [name.lower() == "true" for name in names]
    if way == "values" and kind != "words":
        return [float(name) if "." in name else int(name) for name in names]
    return names


def write(path: Path, labels: list[Any], stated: list[str] | None) -> None:
    """Labels beside a text, in the format of the file's suffix; `stated`: written as ids into these
    names.
    """
    texts = [f"w{i}" for i in range(len(labels))]
    if path.suffix == ".jsonl":
        rows = ({"text": t, "label": one} for t, one in zip(texts, labels, strict=True))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    else:
        import datasets

        kind = datasets.ClassLabel(names=stated) if stated else None
        features = (
            datasets.Features({"text": datasets.Value("string"), "label": kind}) if kind else None
        )
        columns = {"text": texts, "label": labels}
        datasets.Dataset.from_dict(columns, features=features).to_parquet(path)


def own_task(file: str, table: tuple[str, ...], split: str = "train") -> Task:
    """Classification of one file."""
    return Task(
        name="t",
        format="classification",
        source=Source(files=(file,)),
        metric="accuracy",
        labels=table,
        splits=Splits(test=split),
    )


@quickly
@given(
    orders,
    st.lists(st.integers(0, 2), min_size=1, max_size=12),
    st.sampled_from([".jsonl", ".csv", ".parquet", "stated.parquet"]),
    st.sampled_from(["names", "values"]),
    st.booleans(),
)
def test_labels_keep_their_names_in_every_file_and_order(
    order: tuple[str, list[str]], picks: list[int], suffix: str, way: str, opened: bool
) -> None:
    kind, table = order
    names = [TABLES[kind][pick % len(TABLES[kind])] for pick in picks]
    stated = sorted(TABLES[kind], reverse=True) if suffix == "stated.parquet" else None
    values = written(kind, names, "names" if stated or suffix == ".csv" else way)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder / f"r{suffix}", values, stated)
        task = own_task(f"r{suffix}", tuple(table))
        context = worlds.context(folder)
        ids = task_data.rows(task, "test", "en", context)["label"][:]
        assert [table[one] for one in ids] == names
        (facts,) = looked.look(task, "evaluate", context).facts
        assert dict(facts.labels) == {name: names.count(name) for name in table}
        if opened and kind in ("words", "truth", "digits"):
            free = task.model_copy(update={"labels": (), "splits": Splits(train="train")})
            found = task_data.with_labels(free, context)
            assert found.labels == (*sorted(set(names)), UNSEEN)
            ids = task_data.rows(found, "train", "en", context)["label"][:]
            assert [found.labels[one] for one in ids] == names


@quickly
@given(
    st.lists(st.sampled_from([0, 1, -1]), min_size=1, max_size=30),
    st.integers(0, 30),
    st.integers(1, 40),
)
def test_rows_and_those_left_out_are_the_rows_of_the_cut(
    labels: list[int], start: int, limit: int
) -> None:
    read = roles(
        {"text": ["x"] * len(labels), "label": labels}, "classification", labels=("a", "b")
    )
    assert good(read).num_rows + sum(read.left_out.values()) == len(labels)
    assert read.left_out.get("rows with a hidden label (-1)", 0) == labels.count(-1)
    cut = read.first(limit)
    kept = good(cut).num_rows
    before = kept + sum(cut.left_out.values())
    seen = [one for one in labels[:before] if one != -1]
    assert (len(seen), good(cut)["label"].to_pylist()) == (kept, seen)
    assert before == len(labels) or (labels[before - 1 :] and kept == limit)


CONTEXT = "the cat sat on the mat"
answer = st.sampled_from(["cat", "the", "mat", "Cat", "dog", "", " "])
questions_of = st.lists(st.lists(st.tuples(answer, st.integers(-2, 30)), max_size=2), max_size=12)


@quickly
@given(questions_of, st.sampled_from(["train", "dev", "test"]), st.booleans())
def test_questions_are_used_or_counted(
    given_: list[list[tuple[str, int]]], use: Use, no_answer: bool
) -> None:
    full = [*given_, [("cat", 4)]]
    columns = {
        "question": ["who?"] * len(full),
        "context": [CONTEXT] * len(full),
        "answers": [
            {"text": [t for t, _ in one], "answer_start": [s for _, s in one]} for one in full
        ],
    }
    read = roles(columns, "span_qa", use, options={"no_answer": no_answer})
    real = [[text for text, _ in one if text.strip()] for one in full]
    lost = [bool(one) and not any(text in CONTEXT for text in one) for one in real]
    lost = lost if use == "train" else [False] * len(lost)
    answered = sum(map(bool, real))
    if sum(lost) > answered / 2:
        assert "no more than half may be left out" in read.problems[0]
        return
    expected = Counter(
        {
            "questions without an answer": 0 if no_answer else len(real) - answered,
            "questions whose answer does not stand in the context as it is written": sum(lost),
        }
    )
    assert read.left_out == dict(+expected)
    assert good(read).num_rows == len(full) - sum(expected.values())


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "a", "1", "-1", " b ", "true"])
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "answer_start", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def arrow(column: list[Any]) -> pa.Array:
    """A column of the type that its rows have in common, of the first row's, or of nulls."""
    for one in (column, [column[0]] * len(column)):
        try:
            return pa.array(one)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            continue
    return pa.nulls(len(column))


FITTING: dict[str, Any] = {
    "choices": ["x", "y"],
    "tokens": ["a", "b"],
    "tags": ["a", "a"],
    "answers": {"text": ["a"], "answer_start": [0]},
}
"""A value that fits, for roles that do not take a text."""


@settings(quickly, max_examples=150)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.data(),
    st.sampled_from(["train", "test"]),
    st.booleans(),
    st.sampled_from([(), ("a", "1"), ("true", "b"), ("a", "b", UNSEEN)]),
)
def test_column_of_any_type_is_read_or_told(
    name: FormatName, data: st.DataObject, use: Use, untyped: bool, labels: tuple[str, ...]
) -> None:
    spec, rows = FORMATS[name], data.draw(st.integers(1, 3))
    number = "1" if spec.label_kind == "number" else "a"
    columns = {
        role: arrow([FITTING.get(role, number if role == "label" else "a")] * rows)
        for role in spec.roles
    }
    for role in data.draw(st.sets(st.sampled_from(spec.roles), min_size=1, max_size=2)):
        columns[role] = arrow(data.draw(st.lists(values, min_size=rows, max_size=rows)))
    named = {role: role for role in spec.optional_roles}
    read = roles(columns, name, use, raw={"untyped": untyped}, labels=labels, columns=named)
    if read.table is None:
        assert read.problems
        assert all("\n" not in one and len(one) < 1000 for one in read.problems)
        return
    assert read.table.num_rows + sum(read.left_out.values()) == rows
    read.table.to_pylist()

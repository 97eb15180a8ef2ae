"""Whatever stands in a user's files, `check` has an answer: a good sweep, or what is wrong with it.

Each example puts values of one kind (null, huge numbers, lone surrogates, nested lists, dates, ...)
under one role of one format, in one file format, among rows that are right.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import xstilts
from tests.support.tiny import make_model
from xstilts.errors import InputError
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task

GOOD: dict[str, dict[str, Any]] = {
    "classification": {"text": "w1 w2", "label": "a"},
    "regression": {"text": "w1", "text_pair": "w2", "label": 1.5},
    "tagging": {"tokens": ["w1", "w2"], "tags": ["B-a", "O"]},
    "span_qa": {
        "id": "1",
        "question": "w3",
        "context": "w1 w2",
        "answers": {"text": ["w1"], "answer_start": [0]},
    },
    "multiple_choice": {"context": "w1", "choices": ["w2", "w3"], "label": 0},
    "masked_lm": {"text": "w1 w2"},
}
METRICS = {
    "classification": "accuracy",
    "regression": "pearson",
    "tagging": "token_accuracy",
    "span_qa": "qa_mean",
    "multiple_choice": "accuracy",
    "masked_lm": "masked_accuracy",
}
LABELS = {"classification": ("a", "b"), "tagging": ("O", "B-a")}
ROLES = [(name, role) for name, row in GOOD.items() for role in row]

TEXTS = st.sampled_from(["", " ", "\ud800", "a\x00b", "\u202e", "é" * 300, "1", "true", "\n", '"'])
NUMBERS = st.sampled_from([0, -1, 1, 2**31, 2**63, -(2**70), 10**400, 0.5, 1e308, -0.0])
ODD = st.sampled_from([float("nan"), float("inf"), -float("inf")])
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, ODD, TEXTS)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.lists(st.lists(SCALARS, max_size=2), max_size=2),
    st.dictionaries(st.sampled_from(["text", "answer_start", "x"]), SCALARS, max_size=2),
    st.fixed_dictionaries(
        {"text": st.lists(SCALARS, max_size=2), "answer_start": st.lists(SCALARS, max_size=2)}
    ),
)


def parquet_columns() -> dict[str, Any]:
    """Name to three values of a type that only Parquet has."""
    import pyarrow as pa

    day = datetime.date(2020, 1, 1)
    return {
        "null": pa.nulls(3),
        "bytes": pa.array([b"w1", b"\xff", None]),
        "large text": pa.array(["w1", "a", "b"], pa.large_string()),
        "text view": pa.array(["w1", "a", "b"], pa.string_view()),
        "bytes view": pa.array([b"w1", b"a", b"b"], pa.binary_view()),
        "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
        "dictionary of numbers": pa.array([7, 8, 7]).dictionary_encode(),
        "date": pa.array([day] * 3),
        "time": pa.array([datetime.datetime(2020, 1, 1)] * 3),
        "time of day": pa.array([datetime.time(1)] * 3),
        "duration": pa.array([datetime.timedelta(1)] * 3),
        "decimal": pa.array([decimal.Decimal("1.50")] * 3),
        "half": pa.array([1.0, 2.0, None], pa.float16()),
        "unsigned": pa.array([2**64 - 1, 0, 1], pa.uint64()),
        "bool": pa.array([True, False, None]),
        "list": pa.array([["w1"], [], None]),
        "large list": pa.array([["w1"], ["a"], ["b"]], pa.large_list(pa.string())),
        "fixed list": pa.array([["w1"]] * 3, pa.list_(pa.string(), 1)),
        "list of dictionaries": pa.array(
            [["a"], ["b"], ["a"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))
        ),
        "nested": pa.array([[["w1"]], [[]], [None]]),
        "struct": pa.array([{"text": "w1"}, None, {"text": None}]),
        "structs": pa.array([[{"text": "w1", "answer_start": 0}], [], None]),
        "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    }


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    make_model(folder)
    return folder


def checked(folder: Path, mirror: Path, name: str, suffix: str) -> None:
    """Checks a sweep over `rows.<suffix>`; an error must be about the input and have a message."""
    one = Task(
        name="fuzz",
        format=name,  # type: ignore[arg-type]
        source=Source(files=(f"{folder}/rows.{suffix}",)),
        splits=Splits(train="train", dev="train", test="train"),
        labels=LABELS.get(name, ()),
        metric=METRICS[name],
    )
    sweep = Sweep(
        name="fuzz",
        models=(Model(id="local/tiny"),),
        intermediates=("none",),
        targets=("fuzz",),
        tasks=(one,),
        store=str(folder / "store"),
        mirror=str(mirror),
        tracking="off",
    )
    try:
        json.dumps(xstilts.check(sweep).to_json())
    except InputError as error:
        assert str(error).strip()


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(place=st.sampled_from(ROLES), value=VALUES, mixed=st.booleans())
def test_check_answers_whatever_a_text_file_holds(
    suffix: str, mirror: Path, place: tuple[str, str], value: Any, mixed: bool
) -> None:
    name, role = place
    good = GOOD[name]
    rows = [good if mixed else {**good, role: value}, {**good, role: value}, good]
    with tempfile.TemporaryDirectory() as given_folder:
        folder = Path(given_folder)
        with (folder / f"rows.{suffix}").open("w", errors="surrogatepass", newline="") as file:
            if suffix == "jsonl":
                file.writelines(json.dumps(row) + "\n" for row in rows)
            else:
                writer = csv.DictWriter(file, list(good))
                writer.writeheader()
                writer.writerows(rows)
        checked(folder, mirror, name, suffix)


@pytest.mark.parametrize("kind", sorted(parquet_columns()))
def test_check_answers_whatever_type_a_parquet_column_has(
    kind: str, mirror: Path, tmp_path: Path
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    for number, (name, role) in enumerate(ROLES):
        folder = tmp_path / str(number)
        folder.mkdir()
        table = pa.Table.from_pylist([GOOD[name]] * 3)
        table = table.set_column(table.column_names.index(role), role, parquet_columns()[kind])
        parquet.write_table(table, folder / "rows.parquet")
        checked(folder, mirror, name, "parquet")

"""What is told of files by looking at them: each kind as people commonly have it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support.worlds import write_jsonl
from xstilts.data.reading.guesses import guess
from xstilts.data.reading.shapes import NAMES
from xstilts.errors import DataError
from xstilts.spec.format_specs import FORMATS


def rows(count: int = 30) -> list[dict[str, Any]]:
    return [
        {"id": i, "sentence": f"text number {i}", "label": ("b", "a")[i % 2]} for i in range(count)
    ]


def write_csv(path: Path, table: Sequence[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)
    return path


# -- files


def test_languages_and_splits_come_from_the_names_of_the_files(tmp_path: Path) -> None:
    for name in ("train.de", "train.en", "valid.en", "test.de", "test.sw"):
        write_jsonl(tmp_path / f"{name}.jsonl", rows(4))
    (tmp_path / "notes.jsonl").write_text("{}")
    found = guess(f"{tmp_path}/{{split}}.{{language}}.jsonl")
    assert found.languages == ("de", "en", "sw") and found.train_language == "en"
    assert found.splits == {"train": "train", "dev": "valid", "test": "test"}
    assert found.looked_at.endswith("train.en.jsonl")


def test_training_language_is_one_that_has_training_rows(tmp_path: Path) -> None:
    for name in ("train.de", "test.en", "test.de"):
        write_jsonl(tmp_path / f"{name}.jsonl", rows(4))
    assert guess(f"{tmp_path}/{{split}}.{{language}}.jsonl").train_language == "de"
    write_jsonl(tmp_path / "train.en-GB.jsonl", rows(4))  # English, whatever it is called
    assert guess(f"{tmp_path}/{{split}}.{{language}}.jsonl").train_language == "en-GB"


@pytest.mark.parametrize(
    ("there", "splits"),
    [
        (("train",), ("train[:80%]", "train[80%:90%]", "train[90%:]")),
        (("train", "test"), ("train[:90%]", "train[90%:]", "test")),
        (("training", "dev"), ("training[:90%]", "training[90%:]", "dev")),
    ],
)
def test_splits_that_are_missing_are_cut_out_of_others(
    there: tuple[str, ...], splits: tuple[str, ...], tmp_path: Path
) -> None:
    for name in there:
        write_jsonl(tmp_path / f"{name}.jsonl", rows(10))
    found = guess(f"{tmp_path}/{{split}}.jsonl")
    assert tuple(found.splits.values()) == splits and found.languages == ("en",)


def test_brackets_in_a_path_are_no_pattern(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a[1] b" / "train.jsonl", rows())
    assert guess(f"{tmp_path}/a[1] b/{{split}}.jsonl").rows == 30
    assert guess(f"{tmp_path}/a[1] b/*.jsonl").rows == 30


def test_single_file_is_cut_into_three(tmp_path: Path) -> None:
    found = guess(str(write_jsonl(tmp_path / "all.jsonl", rows())))
    assert list(found.splits.values()) == ["train[:80%]", "train[80%:90%]", "train[90%:]"]


@pytest.mark.parametrize(
    ("pattern", "options", "said"),
    [
        ("none.jsonl", {}, "nothing there"),
        ("{split}.jsonl", {}, "no training rows; splits there: empty, test; one must be called"),
        ("test.jsonl", {"languages": ["en", "de"]}, "one file cannot serve 2 languages"),
        ("empty.jsonl", {}, "is empty"),
    ],
)
def test_files_that_can_serve_no_task_are_named(
    pattern: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "test.jsonl", rows(4))
    write_jsonl(tmp_path / "empty.jsonl", [])
    with pytest.raises(DataError, match=said):
        guess(f"{tmp_path}/{pattern}", **options)


# -- formats


def looks_like(path: Path, **options: Any) -> tuple[str, dict[str, str], tuple[str, ...]]:
    found = guess(str(path), **options)
    return found.format, dict(found.columns), found.labels


def test_text_and_label_are_a_classification(tmp_path: Path) -> None:
    wanted = ("classification", {"text": "sentence"}, ("a", "b"))
    assert looks_like(write_jsonl(tmp_path / "a.jsonl", rows())) == wanted
    assert looks_like(write_csv(tmp_path / "a.csv", rows())) == wanted
    assert looks_like(write_csv(tmp_path / "a.tsv", rows(), "\t")) == wanted


def test_unusual_names_are_told_by_their_values(tmp_path: Path) -> None:
    table = [{"was": f"a longer text {i}", "wie": ("gut", "schlecht")[i % 2]} for i in range(30)]
    wanted = ("classification", {"text": "was", "label": "wie"}, ("gut", "schlecht"))
    assert looks_like(write_jsonl(tmp_path / "a.jsonl", table)) == wanted


def test_pair_of_texts_is_a_classification_of_pairs(tmp_path: Path) -> None:
    table = [{"premise": f"p {i}", "hypothesis": f"h {i}", "gold_label": i % 3} for i in range(30)]
    columns = {"text": "premise", "text_pair": "hypothesis", "label": "gold_label"}
    found = looks_like(write_jsonl(tmp_path / "a.jsonl", table))
    assert found == ("classification", columns, ("0", "1", "2"))


def test_truth_values_are_the_labels_false_and_true(tmp_path: Path) -> None:
    table = [{"text": f"t {i}", "label": i % 2 == 0} for i in range(10)]
    assert looks_like(write_jsonl(tmp_path / "a.jsonl", table))[2] == ("false", "true")


def test_names_of_a_parquet_files_classes_keep_their_order(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["z", "a"])}
    )
    table = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]}, features=features)
    table.to_parquet(str(tmp_path / "a.parquet"))
    assert looks_like(tmp_path / "a.parquet") == ("classification", {}, ("z", "a"))


def test_label_of_many_numbers_is_a_regression(tmp_path: Path) -> None:
    table = [{"sentence1": f"a {i}", "sentence2": "b", "score": i / 7} for i in range(30)]
    found = guess(str(write_jsonl(tmp_path / "a.jsonl", table)))
    assert (found.format, found.metric, found.labels) == ("regression", "correlation", ())
    assert found.columns == {"text": "sentence1", "text_pair": "sentence2", "label": "score"}


def test_lists_of_equal_length_are_tags(tmp_path: Path) -> None:
    table = [{"words": ["a", "b"], "ner_tags": ["O", "B-PER"]}, {"words": [], "ner_tags": []}]
    found = guess(str(write_jsonl(tmp_path / "a.jsonl", table)))
    assert (found.format, found.metric, found.labels) == ("tagging", "chunk_f1", ("O", "B-PER"))
    assert found.columns == {"tokens": "words", "tags": "ner_tags"}


@pytest.mark.parametrize(("name", "file_format"), [("a.conll", None), ("a.bio", "conll")])
def test_token_and_tag_with_a_tab_between_are_tags(
    name: str, file_format: str | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("The\tDET\ncat\tNOUN\n\nIt\tPRON\n")
    found = guess(str(tmp_path / name))
    assert (found.format, found.metric) == ("tagging", "token_accuracy")
    assert found.file_format == file_format and found.labels == ("DET", "NOUN", "PRON")


def test_questions_with_answers_are_span_qa_also_as_squads_own_json(tmp_path: Path) -> None:
    answers = {"text": ["cat"], "answer_start": [4]}
    row = {"id": "1", "question": "Who?", "context": "The cat.", "answers": answers}
    found = guess(str(write_jsonl(tmp_path / "a.jsonl", [row])))
    assert (found.format, found.metric, found.columns) == ("span_qa", "qa_mean", {})
    one = {"id": "1", "question": "Who?", "answers": [{"text": "cat", "answer_start": 4}]}
    whole = {"version": "1", "data": [{"paragraphs": [{"context": "The cat.", "qas": [one]}]}]}
    (tmp_path / "a.json").write_text(json.dumps(whole))
    found = guess(str(tmp_path / "a.json"))
    assert (found.format, found.file_format) == ("span_qa", "squad_json")


@pytest.mark.parametrize("numbered", [True, False])
def test_choices_and_their_number_are_multiple_choice(numbered: bool, tmp_path: Path) -> None:
    own = {"choice1": "x", "choice2": "y"} if numbered else {"choices": ["x", "y"]}
    path = write_jsonl(tmp_path / "a.jsonl", [{"premise": "p", "label": 1, **own}] * 4)
    found = guess(str(path))
    assert found.format == "multiple_choice" and found.columns["context"] == "premise"
    assert found.columns.get("choices", "choices") == ("choice1,choice2" if numbered else "choices")


def test_two_texts_without_a_label_are_retrieval_and_one_is_raw_text(tmp_path: Path) -> None:
    pairs = [{"src": f"s {i}", "tgt": f"t {i}"} for i in range(9)]
    columns = {"source_sentence": "src", "target_sentence": "tgt"}
    assert looks_like(write_jsonl(tmp_path / "a.jsonl", pairs)) == ("retrieval", columns, ())
    lines = write_jsonl(tmp_path / "b.jsonl", [{"line": "a text"}])
    assert looks_like(lines) == ("masked_lm", {"text": "line"}, ())


# -- what is given


def test_what_is_given_is_taken_as_it_is(tmp_path: Path) -> None:
    table = [{"body": "x", "other": "long text here", "verdict": "1"} for _ in range(5)]
    path = write_jsonl(tmp_path / "a.jsonl", table)
    found = guess(
        str(path),
        format="classification",
        columns={"text": "body", "label": "verdict"},
        labels=["1", "2"],
        languages=["sw"],
    )
    assert found.columns["text"] == "body" and found.labels == ("1", "2")
    assert (found.languages, found.train_language) == (("sw",), "sw")


def test_roles_and_columns_that_there_are_not_are_refused(tmp_path: Path) -> None:
    path = str(write_jsonl(tmp_path / "a.jsonl", rows()))
    with pytest.raises(DataError, match="has no column `sentense`; nearest: sentence"):
        guess(path, columns={"text": "sentense"})
    with pytest.raises(DataError, match='"texts" is no role of classification; nearest: text'):
        guess(path, columns={"texts": "sentence"}, format="classification")
    with pytest.raises(DataError, match='"lable" is no role; nearest: label'):
        guess(path, columns={"lable": "label"})
    with pytest.raises(DataError, match='"xyz" is no role; there are: text, text_pair, label'):
        guess(path, columns={"xyz": "label"})


def test_columns_that_tell_nothing_are_named_with_what_to_give(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"x": 1, "y": 2}])
    with pytest.raises(DataError, match=r"from its columns \(x, y\); give --format and --columns"):
        guess(str(path))
    with pytest.raises(
        DataError, match=r"can't tell the columns of tagging .*roles are tokens, tags"
    ):
        guess(str(path), format="tagging")


def test_labels_that_are_no_labels_are_refused(tmp_path: Path) -> None:
    many = [{"text": "t", "label": f"free text {i}"} for i in range(300)]
    with pytest.raises(DataError, match="has 300 different values, too many for labels"):
        guess(str(write_jsonl(tmp_path / "a.jsonl", many)))
    lists = write_jsonl(tmp_path / "c.jsonl", [{"text": "t", "label": [1]}] * 9)
    with pytest.raises(DataError, match="column `label` holds lists, which are no labels"):
        guess(str(lists), columns={"label": "label"}, format="classification")
    tags = write_jsonl(tmp_path / "d.jsonl", [{"tokens": ["a"], "tags": [["b"]]}])
    with pytest.raises(DataError, match="column `tags` holds lists"):
        guess(str(tags))
    with pytest.raises(DataError, match="has one value, a; labels must be two or more"):
        guess(str(write_jsonl(tmp_path / "b.jsonl", [{"text": "t", "label": "a"}])))


# -- whatever the files hold

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**62) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "answer_start", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_COLUMN = st.sampled_from([name for names in NAMES.values() for name in names] + ["x", "y", ""])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    table=st.lists(st.dictionaries(_COLUMN, _VALUES, max_size=4), max_size=5),
    chosen=st.sampled_from([None, *FORMATS]),
)
def test_any_rows_give_a_guess_or_a_message(
    table: list[dict[str, Any]], chosen: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in table))
    try:
        found = guess(str(path), format=chosen)
    except DataError as error:
        assert str(error)
    else:
        assert found.format in FORMATS and chosen in (None, found.format)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"", b"\x00" * 9, b"[1, 2]", b'"a', b"a,b\n1", b"a\tb\tc\n"]
)
@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "tsv", "parquet", "conll", "txt"])
def test_any_file_gives_a_guess_or_a_message(content: bytes, suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"a.{suffix}").write_bytes(content)
    with suppress(DataError):
        guess(str(tmp_path / f"a.{suffix}"))
